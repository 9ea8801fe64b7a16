/** Check digits, each by the standard that is named. */

export function digitsOf(text: string): number[] {
  return Array.from(text.replace(/\D/g, ''), Number);
}

/** ISO/IEC 7812-1, annex B. */
export function luhn(digits: readonly number[]): boolean {
  const sum = digits.toReversed().reduce((total, digit, at) => {
    const doubled = at % 2 === 1 ? digit * 2 : digit;
    return total + (doubled > 9 ? doubled - 9 : doubled);
  }, 0);
  return sum % 10 === 0 && digits.some((digit) => digit !== 0);
}

/** The sum of digits times their weights; what has no weight does not count. */
export function weighted(digits: readonly number[], weights: readonly number[]): number {
  return weights.reduce((sum, weight, at) => sum + weight * (digits[at] ?? 0), 0);
}

/** ISO 7064, MOD 11,10. */
export function mod11_10(digits: readonly number[]): boolean {
  const product = digits.slice(0, -1).reduce((before, digit) => {
    const sum = (digit + before) % 10;
    return ((sum === 0 ? 10 : sum) * 2) % 11;
  }, 10);
  return (11 - product) % 10 === digits.at(-1);
}

const VERHOEFF_D = [
  '0123456789',
  '1234067895',
  '2340178956',
  '3401289567',
  '4012395678',
  '5987604321',
  '6598710432',
  '7659821043',
  '8765932104',
  '9876543210',
];
const VERHOEFF_P = [
  '0123456789',
  '1576283094',
  '5803796142',
  '8916043527',
  '9453126870',
  '4286573901',
  '2793806415',
  '7046913258',
];

/** Verhoeff 1969. */
export function verhoeff(digits: readonly number[]): boolean {
  const check = digits
    .toReversed()
    .reduce((c, digit, at) => Number(VERHOEFF_D[c]?.[Number(VERHOEFF_P[at % 8]?.[digit])]), 0);
  return check === 0;
}

/** Whether six digits `YYMMDD`, in whatever order they are named, can be a day; the month may be moved. */
export function isDay(month: number, day: number): boolean {
  return month >= 1 && month <= 12 && day >= 1 && day <= 31;
}
