/** How well contradictions are found between labelled sources, each taken for an answer. */
import { contradictionsOf } from '@mcp/conversation';
import { bootstrapFigure } from '../stats.ts';
import type { Item } from './corpus.ts';

export function detectorFigures(corpus: readonly Item[], least: number) {
  const found = (item: Item) =>
    contradictionsOf(
      item.sources.slice(0, 8).map((text, at) => ({ participant: `s${at}`, text })),
      { question: item.question, least },
    ).length > 0;
  const part = (name: Item['part']) => {
    const rows = corpus.filter((item) => item.part === name).map((item) => ({ item, found: found(item) }));
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
  };
  return { threshold: least, dev: part('dev'), test: part('test') };
}

function shareOf(flags: readonly boolean[]) {
  const share = (at: readonly number[]) => at.filter((one) => flags[one] === true).length / (at.length || 1);
  const { value, low, high } = bootstrapFigure(flags.length, share);
  return { value: Number(value.toFixed(3)), low: Number(low.toFixed(3)), high: Number(high.toFixed(3)) };
}
