/**
 * Characters as the few symbols that rules are written in, so that one phrase is found however it is disguised: case,
 * accents, full-width and other compatibility forms (NFKD), look-alikes of other scripts, digits for letters; what shows
 * nothing is passed over, and whatever stands between words is one separator.
 */
export const SEPARATOR = 0;
/** Ends a sentence; separates words as well. */
export const STOP = 28;
/** A letter or digit that no rule names. */
export const OTHER = 27;
/** Passed over. */
const NOTHING = 31;

/** `l`, `i` and `1` are told apart by nobody who wants to be misread. */
const LEET: Readonly<Record<string, string>> = {
  '0': 'o',
  '1': 'i',
  '3': 'e',
  '4': 'a',
  '5': 's',
  '7': 't',
  '@': 'a',
  $: 's',
  l: 'i',
};

/** Letters of other scripts that look like Latin ones (Unicode TR 39), as pairs of rows. */
const ALIKE: readonly (readonly [string, string])[] = [
  ['абвгезікмнорстухіјѕһԁԛԝүɑ', 'abbrezikmhopctyxijshdqwya'],
  ['αβγεηικνορτυχω', 'abyenikvoptuxw'],
  ['ıɩɪłøđħŧƒ', 'iiilodhtf'],
];

const ASCII = new Uint8Array(128).map((_, code) => symbolOfLatin(String.fromCharCode(code)));
const HOMOGLYPHS: ReadonlyMap<string, string> = new Map(
  ALIKE.flatMap(([from, to]) => [...from].map((char, at) => [char, to[at] ?? ''] as const)),
);

/** What was worked out for characters beyond ASCII; there are not many in a text. */
const known = new Map<number, readonly number[]>();
const MAX_KNOWN = 16_384;

/** The symbols of one character: none, one, or those of a ligature. */
export function symbolsOf(code: number): readonly number[] {
  const found = known.get(code);
  if (found !== undefined) return found;
  const symbols = workOut(String.fromCodePoint(code));
  if (known.size < MAX_KNOWN) known.set(code, symbols);
  return symbols;
}

/** The one symbol of an ASCII character, {@link PASSED} where it is passed over. */
export function symbolOfAscii(code: number): number {
  return ASCII[code] ?? SEPARATOR;
}
export const PASSED = NOTHING;

function workOut(char: string): readonly number[] {
  const plain = char.normalize('NFKD').toLowerCase();
  return [...plain].flatMap((one) => {
    const latin = HOMOGLYPHS.get(one) ?? one;
    if (/[\p{M}\p{Cf}\p{Cs}\u{115F}\u{1160}\u{3164}]/u.test(latin)) return [];
    const code = latin.charCodeAt(0);
    const symbol = code < 128 ? symbolOfAscii(code) : /[\p{L}\p{N}]/u.test(latin) ? OTHER : SEPARATOR;
    return symbol === NOTHING ? [] : [symbol];
  });
}

function symbolOfLatin(char: string): number {
  const lower = char.toLowerCase();
  const letter = LEET[lower] ?? lower;
  if (letter >= 'a' && letter <= 'z') return letter.charCodeAt(0) - 96;
  if (char >= '0' && char <= '9') return OTHER;
  if (char === '.' || char === '!' || char === '?') return STOP;
  // Apostrophes stand inside words; control characters show nothing, but for those that break lines.
  return char === "'" || char === '`' || isControl(char.charCodeAt(0)) ? NOTHING : SEPARATOR;
}

function isControl(code: number): boolean {
  return code < 9 || (code > 13 && code < 32) || code === 127;
}
