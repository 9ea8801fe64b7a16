/** Numbers that states give to people, with the checks that each state publishes. */
import { digitsOf, isDay, luhn, mod11_10, verhoeff, weighted } from '../checksums.ts';
import type { PatternRow, Recogniser } from '../recogniser.ts';

type Row = Omit<PatternRow, 'kind'>;

const rows: readonly Row[] = [
  {
    name: 'Social Security number (US)',
    checked: 'areas, groups and serials that are never given',
    needs: { digits: 9 },
    pattern: /(?<![\w-])\d{3}([- ])\d{2}\1\d{4}(?![\w-])/g,
    holds: isSsn,
  },
  {
    name: 'Social Security number (US), digits alone',
    checked: 'the same, and context',
    needs: { digits: 9, cue: /\b(?:ssn|social security)\b/i },
    pattern: /(?<![\w.-])\d{9}(?![\w-])/g,
    context: /\b(?:ssn|social security)\b/i,
    holds: isSsn,
  },
  {
    name: 'ITIN (US)',
    checked: 'ranges that the IRS gives',
    needs: { digits: 9 },
    pattern: /(?<![\w-])9\d{2}([- ])(?:5\d|6[0-5]|7\d|8[0-8]|9[0-2]|9[4-9])\1\d{4}(?![\w-])/g,
  },
  {
    name: 'National Insurance number (UK)',
    checked: 'prefixes that are never given',
    needs: { digits: 6 },
    pattern:
      /(?<!\w)(?!BG|GB|KN|NK|NT|TN|ZZ)[A-CEGHJ-PR-TW-Z][A-CEGHJ-NPR-TW-Z] ?\d{2} ?\d{2} ?\d{2} ?[A-D](?!\w)/gi,
  },
  {
    name: 'NHS number (UK)',
    checked: 'check digit (mod 11), and spaces or context',
    needs: { digits: 10, cue: /\b(?:nhs|patient|health service)\b/i },
    pattern: /(?<![\w.-])\d{3}([ -]?)\d{3}\1\d{4}(?![\w-])/g,
    context: /\b(?:nhs|patient|health service)\b/i,
    holds: (match) => {
      const digits = digitsOf(match);
      return (11 - (weighted(digits, [10, 9, 8, 7, 6, 5, 4, 3, 2]) % 11)) % 11 === digits[9];
    },
  },
  {
    name: 'Steuer-ID (Germany)',
    checked: 'check digit (ISO 7064 MOD 11,10), one digit twice or thrice',
    needs: { digits: 11 },
    pattern: /(?<![\w.-])[1-9]\d( ?)\d{3}\1\d{3}\1\d{3}(?![\w-])/g,
    holds: (match) => {
      const digits = digitsOf(match);
      const counts = Array.from(
        { length: 10 },
        (_, one) => digits.slice(0, 10).filter((d) => d === one).length,
      );
      const repeated = counts.filter((count) => count > 1);
      return repeated.length === 1 && (repeated[0] ?? 0) <= 3 && mod11_10(digits);
    },
  },
  {
    name: 'NIR (France)',
    checked: 'key (97 minus the number mod 97)',
    needs: { digits: 13 },
    pattern: /(?<!\w)[12] ?\d{2} ?(?:0[1-9]|1[0-2]|[2-9]\d) ?(?:\d{2}|2[AB]) ?\d{3} ?\d{3} ?\d{2}(?!\w)/g,
    holds: (match) => {
      const plain = match.replace(/ /g, '').replace('2A', '19').replace('2B', '18');
      return 97 - Number(BigInt(plain.slice(0, 13)) % 97n) === Number(plain.slice(13));
    },
  },
  {
    name: 'DNI and NIE (Spain)',
    checked: 'letter (number mod 23)',
    needs: { digits: 7 },
    pattern: /(?<!\w)(?:[XYZ][- ]?\d{7}|\d{8})[- ]?[A-HJ-NP-TV-Z](?!\w)/gi,
    holds: (match) => {
      const plain = match.replace(/[- ]/g, '').toUpperCase();
      const number = Number(plain.slice(0, -1).replace('X', '0').replace('Y', '1').replace('Z', '2'));
      return 'TRWAGMYFPDXBNJZSQVHLCKE'[number % 23] === plain.at(-1);
    },
  },
  {
    name: 'Codice fiscale (Italy)',
    checked: 'check letter',
    needs: { digits: 2, run: 16 },
    pattern: /(?<!\w)[A-Z]{6}[\dLMNP-V]{2}[A-EHLMPRST][\dLMNP-V]{2}[A-Z][\dLMNP-V]{3}[A-Z](?!\w)/gi,
    holds: isCodiceFiscale,
  },
  {
    name: 'BSN (Netherlands)',
    checked: 'eleven test, and context or dots',
    needs: { digits: 9, cue: /\b(?:bsn|burgerservicenummer|sofi)/i },
    pattern: /(?<![\w-])(?:\d{9}|\d{4}\.\d{2}\.\d{3})(?![\w-]|\.\d)/g,
    context: /\b(?:bsn|burgerservicenummer|sofi)/i,
    holds: (match) => weighted(digitsOf(match), [9, 8, 7, 6, 5, 4, 3, 2, -1]) % 11 === 0,
  },
  {
    name: 'PESEL (Poland)',
    checked: 'check digit, day of birth',
    needs: { digits: 11 },
    pattern: /(?<![\w.-])\d{11}(?![\w-]|\.\d)/g,
    holds: (match) => {
      const digits = digitsOf(match);
      const month = Number(match.slice(2, 4)) % 20;
      const check = (10 - (weighted(digits, [1, 3, 7, 9, 1, 3, 7, 9, 1, 3]) % 10)) % 10;
      return isDay(month, Number(match.slice(4, 6))) && check === digits[10];
    },
  },
  {
    name: 'NIF (Portugal)',
    checked: 'check digit (mod 11), context',
    needs: { digits: 9, cue: /\b(?:nif|contribuinte)\b/i },
    pattern: /(?<![\w.-])[1-35-9]\d{2} ?\d{3} ?\d{3}(?![\w-])/g,
    context: /\b(?:nif|contribuinte)\b/i,
    holds: (match) => {
      const digits = digitsOf(match);
      const rest = weighted(digits, [9, 8, 7, 6, 5, 4, 3, 2]) % 11;
      return (rest < 2 ? 0 : 11 - rest) === digits[8];
    },
  },
  {
    name: 'Rijksregisternummer (Belgium)',
    checked: 'check digits (mod 97), day of birth',
    needs: { digits: 11 },
    pattern: /(?<!\w)\d{2}\.\d{2}\.\d{2}[- ]\d{3}\.\d{2}(?!\w)/g,
    holds: (match) => {
      const plain = match.replace(/\D/g, '');
      const [number, check] = [plain.slice(0, 9), Number(plain.slice(9))];
      return [number, `2${number}`].some((one) => 97 - (Number(one) % 97) === check);
    },
  },
  {
    name: 'Personnummer (Sweden)',
    checked: 'Luhn, day of birth',
    needs: { digits: 10 },
    pattern: /(?<!\w)(?:19|20)?\d{6}[-+]\d{4}(?!\w)/g,
    holds: (match) => {
      const digits = digitsOf(match).slice(-10);
      return (
        isDay((digits[2] ?? 0) * 10 + (digits[3] ?? 0), ((digits[4] ?? 0) * 10 + (digits[5] ?? 0)) % 60) &&
        luhn(digits)
      );
    },
  },
  {
    name: 'Henkilötunnus (Finland)',
    checked: 'check character (mod 31)',
    needs: { digits: 9 },
    pattern: /(?<!\w)\d{6}[-+A-FU-Y]\d{3}[\dA-FHJ-NPR-Y](?!\w)/g,
    holds: (match) =>
      '0123456789ABCDEFHJKLMNPRSTUVWXY'[Number(`${match.slice(0, 6)}${match.slice(7, 10)}`) % 31] ===
      match.at(-1),
  },
  {
    name: 'SIN (Canada)',
    checked: 'Luhn, and context',
    needs: { digits: 9, cue: /\b(?:sin|social insurance)\b/i },
    pattern: /(?<![\w.-])[1-79]\d{2}([ -]?)\d{3}\1\d{3}(?![\w-])/g,
    context: /\b(?:sin|social insurance)\b/i,
    holds: (match) => luhn(digitsOf(match)),
  },
  {
    name: 'TFN (Australia)',
    checked: 'check (mod 11), and context',
    needs: { digits: 9, cue: /\b(?:tfn|tax file)\b/i },
    pattern: /(?<![\w.-])\d{3}([ -]?)\d{3}\1\d{3}(?![\w-])/g,
    context: /\b(?:tfn|tax file)\b/i,
    holds: (match) => weighted(digitsOf(match), [1, 4, 3, 7, 5, 8, 6, 9, 10]) % 11 === 0,
  },
  {
    name: 'Aadhaar (India)',
    checked: 'Verhoeff, in groups of four or with context',
    needs: { digits: 12 },
    pattern: /(?<![\w.-]|\d )[2-9]\d{3}( ?)\d{4}\1\d{4}(?![\w-]| \d)/g,
    holds: (match, { before }) =>
      verhoeff(digitsOf(match)) && (match.includes(' ') || /aadhaa?r|uidai/i.test(before)),
  },
  {
    name: 'CPF (Brazil)',
    checked: 'both check digits',
    needs: { digits: 11 },
    pattern: /(?<![\w.-])\d{3}\.\d{3}\.\d{3}-\d{2}(?!\w)/g,
    holds: (match) => {
      const digits = digitsOf(match);
      const check = (count: number) =>
        ((weighted(
          digits,
          Array.from({ length: count }, (_, at) => count + 1 - at),
        ) *
          10) %
          11) %
        10;
      return check(9) === digits[9] && check(10) === digits[10] && new Set(digits).size > 1;
    },
  },
];

export const nationalIds: readonly Recogniser[] = rows.map((row) => ({ ...row, kind: 'national_id' }));

function isSsn(match: string): boolean {
  const plain = match.replace(/\D/g, '');
  const [area, group, serial] = [plain.slice(0, 3), plain.slice(3, 5), plain.slice(5)];
  return area !== '000' && area !== '666' && area < '900' && group !== '00' && serial !== '0000';
}

const ODD: Readonly<Record<string, number>> = Object.fromEntries(
  Array.from('0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZ', (char, at) => {
    const values = [
      1, 0, 5, 7, 9, 13, 15, 17, 19, 21, 2, 4, 18, 20, 11, 3, 6, 8, 12, 14, 16, 10, 22, 25, 24, 23,
    ];
    return [char, values[at < 10 ? at : at - 10] ?? 0];
  }),
);

/** Decree of the Ministry of Finance, 23 December 1976. */
function isCodiceFiscale(match: string): boolean {
  const upper = match.toUpperCase();
  const sum = Array.from(upper.slice(0, 15)).reduce((total, char, at) => {
    const even = /\d/.test(char) ? Number(char) : char.charCodeAt(0) - 65;
    return total + (at % 2 === 0 ? (ODD[char] ?? 0) : even);
  }, 0);
  return String.fromCharCode(65 + (sum % 26)) === upper[15];
}
