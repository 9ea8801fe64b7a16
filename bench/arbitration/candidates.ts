/** The two models' recorded answers as candidates, and what the arbitration says of them. */
import { readFileSync } from 'node:fs';
import { ArbitrationTerms, type ChatMessage } from '@mcp/contracts';
import {
  alternate,
  arbitrate,
  type Candidate,
  contradictionsOf,
  extraTaskOf,
  extraTurnFor,
  planTurn,
} from '@mcp/conversation';
import { z } from 'zod';
import { type Item, questionOf } from './corpus.ts';
import { LARGE, SMALL } from './models.ts';

export const TERMS = ArbitrationTerms.parse({});
export const MAX_TOKENS = 64;
const SYSTEM = 'You are a careful assistant. Answer the question that was asked, in plain words. Be brief.';
/** The larger model is the first participant, which takes the refinement turn. */
const PARTICIPANTS = { modelA: LARGE, modelB: SMALL } as const;
type ParticipantId = keyof typeof PARTICIPANTS;

export const Row = z.object({
  id: z.string(),
  model: z.string(),
  turn: z.enum(['first', 'refinement']).default('first'),
  weights_sha256: z.string(),
  max_tokens: z.number(),
  text: z.string(),
  finish: z.enum(['stop', 'length']),
  input_tokens: z.number(),
  output_tokens: z.number(),
  duration_ms: z.number(),
});
export type Row = z.infer<typeof Row>;

export function readRows(file: string): Row[] {
  return readFileSync(file, 'utf8')
    .split('\n')
    .filter((line) => line !== '')
    .map((line) => Row.parse(JSON.parse(line)));
}

/** What a participant is shown in its first turn of mode `answer`, or in an extra turn after others' answers. */
export function messagesFor(item: Item, said: readonly Row[] = [], task?: string): ChatMessage[] {
  const past = said.map((row, at) => ({
    step: `s${at + 3}`,
    participant: idOf(row.model),
    content: row.text,
  }));
  return alternate(
    planTurn({
      mode: 'answer',
      participants: Object.keys(PARTICIPANTS),
      participant: 'modelA',
      system: { step: 's0', content: SYSTEM },
      earlier: [],
      question: { step: 's1', content: questionOf(item) },
      past,
      task,
    }).messages,
  );
}

/** The verdict on two answers, and the task of the extra turn where one is wanted. */
export function arbitrated(
  item: Item,
  rows: readonly Row[],
  [question, ...vectors]: readonly (readonly number[])[],
) {
  const candidates = rows.map(
    ({ model, text, finish }, at): Candidate => ({
      participant: idOf(model),
      model,
      message_id: `0194f0c2-0000-7000-8000-00000000000${at}`,
      text,
      finish: { unified: finish, raw: finish },
      risk: 0,
      vector: vectors[at],
    }),
  );
  const least = TERMS.thresholds.contradiction;
  const contradictions = contradictionsOf(candidates, { question: questionOf(item), least });
  const verdict = arbitrate({ candidates, question, terms: TERMS, contradictions });
  const trigger = extraTurnFor({ verdict, terms: TERMS, taken: 0, extended: 0, critique: true });
  const chosen = rows[candidates.findIndex(({ participant }) => participant === verdict.chosen)];
  return { verdict, trigger, chosen, task: trigger && extraTaskOf(trigger, contradictions) };
}

function idOf(model: string): ParticipantId {
  return model === PARTICIPANTS.modelA ? 'modelA' : 'modelB';
}
