/** Sentences that are put together from authored templates and lists of what stands in their places. */
import { mulberry32 } from '../stats.ts';

/** What stands between upright strokes, each on one line. */
export function listed(text: string): readonly string[] {
  return text.split('|').map((one) => one.trim().replace(/\s+/g, ' '));
}

interface Sentences {
  /** What stands for a name in braces: one of its list. */
  readonly parts: Readonly<Record<string, readonly string[]>>;
  readonly templates: readonly string[];
  readonly count: number;
  readonly seed: number;
}

/** Each once, the same ones with every run; a fifth of them in small letters. */
export function putTogether({ parts, templates, count, seed }: Sentences): readonly string[] {
  const random = mulberry32(seed);
  const pick = (list: readonly string[]) => list[Math.floor(random() * list.length)] ?? '';
  const fill = (template: string) =>
    [1, 2].reduce(
      (text) => text.replace(/\{(\w+)\}/g, (_, name: string) => pick(parts[name] ?? [])),
      template,
    );
  const sentences = new Set(templates.map(fill));
  for (let tries = 0; tries < count * 3 && sentences.size < count; tries++) {
    const sentence = fill(pick(templates));
    sentences.add(random() < 0.2 ? sentence.toLowerCase().replace(/[.?!]$/, '') : sentence);
  }
  return [...sentences];
}
