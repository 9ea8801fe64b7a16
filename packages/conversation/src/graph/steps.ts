/** The steps of a conversation, read from its records of either version. */
import type { LogRecord, Step } from '@mcp/contracts';

const SIDES: readonly string[] = ['modelA', 'modelB'];

/**
 * The steps that records are. A log of version 1 names none: its records become steps by their role and place, and
 * what they were made from is not known.
 */
export function stepsOf(records: readonly LogRecord[]): Step[] {
  let prompts = 0;
  return records.map((record) => {
    if ('step' in record) {
      const { step: id, kind, parents, participant } = record;
      return { id, kind, parents, ...(participant === undefined ? {} : { participant }) };
    }
    const step = { id: stepId(record.seq), parents: [] };
    switch (record.role) {
      case 'system': {
        const participant = record.prompt === undefined ? undefined : SIDES[prompts++];
        return { ...step, kind: 'system', ...(participant === undefined ? {} : { participant }) };
      }
      case 'user':
        return { ...step, kind: 'question' };
      case 'decision':
        return { ...step, kind: 'decision' };
      case 'modelA':
      case 'modelB':
        return { ...step, kind: 'turn', participant: record.role };
      default:
        return record satisfies never;
    }
  });
}

/** Names for the steps to come, each given once; none of them is among those there are. */
export function newStepIds(steps: readonly Pick<Step, 'id'>[]): () => string {
  let next = steps.reduce(
    (most, { id }) => Math.max(most, 1 + Number(/^s(\d{1,9})$/.exec(id)?.[1] ?? -1)),
    0,
  );
  return () => stepId(next++);
}

function stepId(number: number): string {
  return `s${number}`;
}
