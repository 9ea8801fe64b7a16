/** A text as recognisers read it: without disguise, and with where each character stands in the original. */

export interface Folded {
  readonly text: string;
  /** Where a character of the folded text begins in the original, up to the one after the last. */
  at(index: number): number;
}

/** Letters of other scripts that are told from Latin ones by nobody (Unicode TR 39), as pairs of rows. */
const ALIKE: readonly (readonly [string, string])[] = [
  ['аВсЕеНіІјЈКкМмОоРрСТхХуУѕЅԁԛԝһАЅ', 'aBcEeHiIjJKkMmOoPpCTxXyYsSdqwhAS'],
  ['ΑΒΕΖΗΙΚΜΝΟΡΤΥΧονιατρυκ', 'ABEZHIKMNOPTYXoviatpuk'],
];
const HOMOGLYPHS: ReadonlyMap<string, string> = new Map(
  ALIKE.flatMap(([from, to]) => [...from].map((char, at) => [char, to[at] ?? char] as const)),
);

/** What was worked out for characters beyond ASCII. */
const known = new Map<string, string>();
const MAX_KNOWN = 16_384;

/** In JSON, escapes are read as what they stand for. */
export function fold(text: string, { json = false } = {}): Folded {
  if (/^[\0-\x7f]*$/.test(text) && !(json && text.includes('\\'))) return { text, at: (index) => index };
  const starts: number[] = [];
  let out = '';
  const add = (chars: string, at: number) => {
    for (let i = 0; i < chars.length; i++) starts.push(at);
    out += chars;
  };
  for (let i = 0; i < text.length; ) {
    const sequence = json && text[i] === '\\' ? ESCAPE.exec(text.slice(i, i + 6))?.[0] : undefined;
    if (sequence !== undefined) {
      add(plain(unescaped(sequence)), i);
      i += sequence.length;
      continue;
    }
    const char = String.fromCodePoint(text.codePointAt(i) ?? 0);
    add(char < '\x80' ? char : plain(char), i);
    i += char.length;
  }
  starts.push(text.length);
  return { text: withoutHomoglyphs(out), at: (index) => starts[index] ?? text.length };
}

const ESCAPE = /^\\(?:u[0-9a-fA-F]{4}|[^u])/;

function unescaped(sequence: string): string {
  if (sequence[1] === 'u') return String.fromCharCode(Number.parseInt(sequence.slice(2), 16));
  return { n: '\n', r: '\n', t: ' ', b: '', f: ' ' }[sequence[1] ?? ''] ?? sequence[1] ?? '';
}

function plain(char: string): string {
  if (char < '\x80') return char;
  const found = known.get(char);
  if (found !== undefined) return found;
  const worked = workOut(char);
  if (known.size < MAX_KNOWN) known.set(char, worked);
  return worked;
}

function workOut(char: string): string {
  if (/\p{Cf}|\p{Variation_Selector}|[\u0300-\u036f]|\u115f|\u1160|\u3164/u.test(char)) return '';
  if (/\p{Zs}/u.test(char)) return ' ';
  if (/[\u2028\u2029\u0085]/.test(char)) return '\n';
  if (/[\p{Pd}\u2212]/u.test(char)) return '-';
  if ('。｡․'.includes(char)) return '.';
  const compatible = char.normalize('NFKC');
  if (/^[\0-\x7f]{1,4}$/.test(compatible)) return compatible;
  if (/\p{Nd}/u.test(char)) return digitOf(char);
  return char;
}

/** The digits of a script follow on one another, nought first. */
function digitOf(char: string): string {
  const code = char.codePointAt(0) ?? 0;
  let value = 0;
  while (value < 9 && /\p{Nd}/u.test(String.fromCodePoint(code - value - 1))) value++;
  return String(value);
}

/** Where a word has Latin letters, digits or an @ as well, its other letters are those they look like. */
function withoutHomoglyphs(text: string): string {
  return text.replace(/\S+/g, (word) => {
    if (!/[A-Za-z\d@]/.test(word) || /^[\0-\x7f]*$/.test(word)) return word;
    return word.replace(/[\u0370-\u052f]/g, (char) => HOMOGLYPHS.get(char) ?? char);
  });
}
