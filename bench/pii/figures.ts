/** How much of what is personal in sentences was found, with intervals by the bootstrap over sentences and entities. */
import { bootstrapFigure } from '../stats.ts';
import type { Sample } from './data.ts';

const STRUCTURED = ['email', 'phone', 'credit_card', 'iban', 'ip_address', 'national_id'];
const NAMED = ['person', 'location', 'address'];
/** The sentences say of some dates in no way whose they are. */
const COUNTED = [...STRUCTURED, 'date_of_birth', ...NAMED];

export interface Found {
  readonly start: number;
  readonly end: number;
  readonly kind: string;
}

/** Words of a text, whether personal by the data, and whether found. */
function words({ text, spans }: Sample, found: readonly Found[]): { gold: boolean; hit: boolean }[] {
  const over = (list: readonly Found[], start: number, end: number) =>
    list.find((one) => COUNTED.includes(one.kind) && one.start < end && start < one.end);
  return [...text.matchAll(/[\p{L}\p{N}]+/gu)].map(({ index, 0: word }) => {
    const end = index + word.length;
    return { gold: over(spans, index, end) !== undefined, hit: over(found, index, end) !== undefined };
  });
}

export function figures(items: readonly Sample[], found: readonly (readonly Found[])[]) {
  const counts = items.map((item, at) => {
    const all = words(item, found[at] ?? []);
    return {
      tp: all.filter(({ gold, hit }) => gold && hit).length,
      fp: all.filter(({ gold, hit }) => !gold && hit).length,
      fn: all.filter(({ gold, hit }) => gold && !hit).length,
    };
  });
  const total = (picked: readonly number[], of: 'tp' | 'fp' | 'fn') =>
    picked.reduce((sum, at) => sum + (counts[at]?.[of] ?? 0), 0);
  const figure = (of: (tp: number, fp: number, fn: number) => number) =>
    rounded(
      bootstrapFigure(
        items.length,
        (picked) => of(total(picked, 'tp'), total(picked, 'fp'), total(picked, 'fn')),
        500,
      ),
    );
  return {
    words: {
      precision: figure((tp, fp) => tp / (tp + fp)),
      recall: figure((tp, _, fn) => tp / (tp + fn)),
      f2: figure((tp, fp, fn) => (5 * tp) / (5 * tp + 4 * fn + fp)),
    },
    structured_recall: entities(items, found, STRUCTURED),
    by_kind: Object.fromEntries(COUNTED.map((kind) => [kind, entities(items, found, [kind])])),
  };
}

/** Share of the entities of some kinds of which every letter and digit is found, as whatever kind. */
function entities(items: readonly Sample[], found: readonly (readonly Found[])[], kinds: readonly string[]) {
  const hits = items.flatMap(({ text, spans }, at) =>
    spans
      .filter(({ kind }) => kinds.includes(kind))
      .map(({ start, end }) =>
        Array.from({ length: end - start }, (_, i) => start + i).every(
          (i) =>
            !/[\p{L}\p{N}]/u.test(text[i] ?? '') ||
            found[at]?.some((one) => COUNTED.includes(one.kind) && one.start <= i && i < one.end) === true,
        ),
      ),
  );
  const value = rounded(
    bootstrapFigure(hits.length, (picked) => picked.filter((at) => hits[at]).length / picked.length, 500),
  );
  return { entities: hits.length, ...value };
}

function rounded(interval: { value: number; low: number; high: number }) {
  return Object.fromEntries(
    Object.entries(interval).map(([name, value]) => [name, Number(value.toFixed(4))]),
  );
}
