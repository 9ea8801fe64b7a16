/** How well disputes are found: contradictions of labelled sources, each taken for an answer, and positions left out. */
import { contradictionsOf } from '@mcp/conversation';
import { bootstrapFigure } from '../stats.ts';
import { type Item, questionOf } from './corpus.ts';

/** Sources of one item that are read. */
const MAX_SOURCES = 8;

/** Whether claims of the sources contradict each other: the detector on text that it is not made for. */
function contradicts({ question, sources }: Item, least: number): boolean {
  const candidates = sources.slice(0, MAX_SOURCES).map((text, at) => ({ participant: `s${at}`, text }));
  return contradictionsOf(candidates, { question, least }).length > 0;
}

/** Whether an answer that says nothing would be found to leave out a side. */
function hasSides(item: Item, least: number): boolean {
  const silent = [{ participant: 'modelA', text: '' }];
  return contradictionsOf(silent, { question: questionOf(item), least }).length > 0;
}

export function detectorFigures(corpus: readonly Item[], least: number) {
  const part = (name: Item['part']) => {
    const items = corpus.filter((item) => item.part === name);
    return {
      claims: figuresOf(items, (item) => contradicts(item, least)),
      positions: figuresOf(items, (item) => hasSides(item, least)),
      either: figuresOf(items, (item) => contradicts(item, least) || hasSides(item, least)),
    };
  };
  return { threshold: least, dev: part('dev'), test: part('test') };
}

function figuresOf(items: readonly Item[], isFound: (item: Item) => boolean) {
  const rows = items.map((item) => ({ item, found: isFound(item) }));
  const disputed = rows.filter(({ item }) => item.disputed);
  const agreed = rows.filter(({ item }) => !item.disputed);
  const kinds = [...new Set(disputed.map(({ item }) => item.kind))].sort();
  return {
    disputed: disputed.length,
    agreed: agreed.length,
    recall: shareOf(disputed.map((row) => row.found)),
    false_positive_rate: shareOf(agreed.map((row) => row.found)),
    precision: shareOf(rows.filter((row) => row.found).map(({ item }) => item.disputed)),
    recall_by_kind: Object.fromEntries(
      kinds.map((kind) => {
        const of = disputed.filter(({ item }) => item.kind === kind);
        return [kind, `${of.filter((row) => row.found).length} of ${of.length}`];
      }),
    ),
  };
}

function shareOf(flags: readonly boolean[]) {
  const share = (at: readonly number[]) => at.filter((one) => flags[one] === true).length / (at.length || 1);
  const { value, low, high } = bootstrapFigure(flags.length, share);
  return { value: Number(value.toFixed(3)), low: Number(low.toFixed(3)), high: Number(high.toFixed(3)) };
}
