/** A light stem of an English word: endings of inflection off, so that `rises` and `rising` are one word. */
export function stem(word: string): string {
  let base = word.replace(/'s$/, '');
  if (base.length > 4) base = base.replace(/ies$/, 'y').replace(/(?<!s)s$/, '');
  if (base.length > 5) base = base.replace(/(?:ing|edly|ed|ly)$/, '');
  return base.length > 4 ? base.replace(/(.)\1$/, '$1').replace(/e$/, '') : base;
}
