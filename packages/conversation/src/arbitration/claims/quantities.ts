/** Numbers in a text with what they count, in one unit for each kind of thing. */
import { stem } from './stem.ts';
import { STOP_WORDS } from './words.ts';

export interface Quantity {
  /** What is measured: `year`, `percent`, `money`, `mass`, … or the word that is counted. */
  readonly of: string;
  readonly value: number;
}

/** Units by their spelling: what they measure, and how many of its base unit they are. */
const UNITS: ReadonlyMap<string, readonly [of: string, factor: number]> = new Map(
  Object.entries({
    percent: { '%': 1, percent: 1, 'per cent': 1, percentage: 1 },
    money: { dollar: 1, dollars: 1, usd: 1, euro: 1.1, euros: 1.1, eur: 1.1, gbp: 1.3 },
    mass: {
      kg: 1,
      kilogram: 1,
      kilograms: 1,
      g: 0.001,
      gram: 0.001,
      grams: 0.001,
      mg: 1e-6,
      milligrams: 1e-6,
      lb: 0.4536,
      lbs: 0.4536,
      pounds: 0.4536,
      tonne: 1000,
      tonnes: 1000,
      tons: 907.2,
      ton: 907.2,
    },
    length: {
      m: 1,
      meter: 1,
      meters: 1,
      metre: 1,
      metres: 1,
      km: 1000,
      kilometers: 1000,
      kilometres: 1000,
      cm: 0.01,
      centimeters: 0.01,
      mm: 0.001,
      mile: 1609.3,
      miles: 1609.3,
      feet: 0.3048,
      foot: 0.3048,
      ft: 0.3048,
      inches: 0.0254,
      inch: 0.0254,
    },
    time: {
      ms: 0.001,
      milliseconds: 0.001,
      s: 1,
      second: 1,
      seconds: 1,
      minute: 60,
      minutes: 60,
      hour: 3600,
      hours: 3600,
      day: 86_400,
      days: 86_400,
      week: 604_800,
      weeks: 604_800,
      month: 2_629_800,
      months: 2_629_800,
      year: 31_557_600,
      years: 31_557_600,
    },
    volume: {
      liter: 1,
      liters: 1,
      litre: 1,
      litres: 1,
      l: 1,
      ml: 0.001,
      gallon: 3.785,
      gallons: 3.785,
      ounces: 0.02957,
      cups: 0.2366,
    },
    energy: { kcal: 4184, calories: 4184, kj: 1000, joules: 1, kwh: 3.6e6, mwh: 3.6e9 },
    power: { w: 1, watts: 1, kw: 1000, mw: 1e6, gw: 1e9 },
    bytes: { kb: 1e3, mb: 1e6, gb: 1e9, tb: 1e12, pb: 1e15 },
    celsius: { '°c': 1, celsius: 1 },
    fahrenheit: { '°f': 1, fahrenheit: 1 },
  }).flatMap(([of, units]) =>
    Object.entries(units).map(([unit, factor]) => [unit, [of, factor] as const] as const),
  ),
);
const MAGNITUDES: Readonly<Record<string, number>> = {
  thousand: 1e3,
  k: 1e3,
  million: 1e6,
  m: 1e6,
  billion: 1e9,
  bn: 1e9,
  b: 1e9,
  trillion: 1e12,
};
const NUMBER_WORDS: Readonly<Record<string, number>> = {
  one: 1,
  two: 2,
  three: 3,
  four: 4,
  five: 5,
  six: 6,
  seven: 7,
  eight: 8,
  nine: 9,
  ten: 10,
  twelve: 12,
  half: 0.5,
  double: 2,
  triple: 3,
};

const NUMBER =
  /(?<![\p{L}\p{N}.])([$€£]\s?)?(\d{1,3}(?:,\d{3})+(?:\.\d+)?|\d+(?:\.\d+)?)\s?(thousand|million|billion|trillion|bn|[kKmMbB](?![\p{L}\p{N}]))?(%|\s?°[CF]|[\s-]?[\p{L}]+)?/gu;
/** Quantities that are read of one claim. */
const MAX_QUANTITIES = 12;

/** The quantities of a text, at most {@link MAX_QUANTITIES}. */
export function quantitiesOf(text: string): Quantity[] {
  const found: Quantity[] = [];
  for (const [, currency, digits = '', magnitude, unit] of text.matchAll(NUMBER)) {
    if (found.length >= MAX_QUANTITIES) break;
    const value = Number(digits.replaceAll(',', '')) * (MAGNITUDES[magnitude?.toLowerCase() ?? ''] ?? 1);
    found.push(quantityOf({ value, currency, digits, unit: unit?.replace('-', ' ').trim().toLowerCase() }));
  }
  for (const [word, next] of pairsOf(text)) {
    const value = NUMBER_WORDS[word];
    if (value === undefined || found.length >= MAX_QUANTITIES) continue;
    const [of, factor] = UNITS.get(next) ?? [`count:${stem(next)}`, 1];
    if (next !== '' && !STOP_WORDS.has(next)) found.push({ of, value: value * factor });
  }
  return found;
}

interface Read {
  readonly value: number;
  readonly currency: string | undefined;
  readonly digits: string;
  readonly unit: string | undefined;
}

function quantityOf({ value, currency, digits, unit = '' }: Read): Quantity {
  if (currency !== undefined) return { of: 'money', value };
  const known = UNITS.get(unit);
  // Money and percent are named by words that mean little else; a bare four-digit number is a year.
  if (/^(1[5-9]|20|21)\d\d$/.test(digits) && known === undefined) return { of: 'year', value };
  // `2 to 5` counts no `to`.
  if (known === undefined) return { of: `count:${STOP_WORDS.has(unit) ? '' : stem(unit)}`, value };
  return { of: known[0], value: value * known[1] };
}

function pairsOf(text: string): [string, string][] {
  const words = text.toLowerCase().match(/\p{L}+/gu) ?? [];
  return words.map((word, at) => [word, words[at + 1] ?? '']);
}
