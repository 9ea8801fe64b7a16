/** The two models' recorded answers as candidates, and the way of the arbitration from them to what stands. */
import { createHash } from 'node:crypto';
import { readFileSync } from 'node:fs';
import {
  ArbitrationTerms,
  type ChatMessage,
  type ExtraTurnTrigger,
  type RecordedContradiction,
} from '@mcp/contracts';
import {
  alternate,
  arbitrate,
  type Candidate,
  contradictionsOf,
  extraTurnFor,
  planTurn,
  quotingAnswer,
  refinementOf,
  type Verdict,
  withoutQuotes,
} from '@mcp/conversation';
import { z } from 'zod';
import { type Item, questionOf } from './corpus.ts';
import { LARGE, SMALL } from './models.ts';

export const TERMS = ArbitrationTerms.parse({});
export const MAX_TOKENS = 64;
const SYSTEM = 'You are a careful assistant. Answer the question that was asked, in plain words. Be brief.';
/** The larger model is the first participant. */
const PARTICIPANTS = { modelA: LARGE, modelB: SMALL } as const;
type ParticipantId = keyof typeof PARTICIPANTS;
/** Characters of a text that core embeds. */
const EMBED_CHARS = 800;

export const Row = z.object({
  id: z.string(),
  model: z.string(),
  turn: z.enum(['first', 'refinement']).default('first'),
  /** Of a refinement turn: the hash of what it was shown. */
  asked_sha256: z.string().optional(),
  weights_sha256: z.string(),
  max_tokens: z.number(),
  text: z.string(),
  finish: z.enum(['stop', 'length']),
  input_tokens: z.number(),
  output_tokens: z.number(),
  duration_ms: z.number(),
});
export type Row = z.infer<typeof Row>;

export type Embed = (texts: readonly string[]) => Promise<readonly (readonly number[])[]>;

export function readRows(file: string): Row[] {
  return readFileSync(file, 'utf8')
    .split('\n')
    .filter((line) => line !== '')
    .map((line) => Row.parse(JSON.parse(line)));
}

/** What a participant is shown in its first turn of mode `answer`, or in a refinement turn. */
export function messagesFor(item: Item, brief?: string): ChatMessage[] {
  return alternate(
    planTurn({
      mode: 'answer',
      participants: Object.keys(PARTICIPANTS),
      participant: 'modelA',
      system: { step: 's0', content: SYSTEM },
      earlier: [],
      question: { step: 's1', content: questionOf(item) },
      past: [],
      brief: brief === undefined ? undefined : [{ step: 's1', content: brief }],
    }).messages,
  );
}

/** A refinement turn that is wanted: who takes it, what it is shown, and under which name it is recorded. */
interface Refinement {
  readonly model: string;
  readonly brief: string;
  readonly asked_sha256: string;
}

export interface Settled {
  /** Of the first answers alone. */
  readonly first: Verdict;
  readonly trigger: ExtraTurnTrigger | undefined;
  readonly refinement: Refinement | undefined;
  readonly refined: Row | undefined;
  /** The answer that was chosen among the first ones; what stands in the end; whether it quotes others. */
  readonly selected: string;
  readonly final: string;
  readonly quotes: boolean;
}

/** What a judge makes of the candidates and of what contradicts what. */
type Judge = (question: string, seen: Judged) => Promise<Judged>;
interface Judged {
  readonly candidates: readonly Candidate[];
  readonly contradictions: readonly RecordedContradiction[];
}

interface Way {
  readonly embed: Embed;
  /** The refinement turn, where there is one. */
  readonly recorded: (turn: Refinement) => Row | undefined | Promise<Row>;
  readonly judge?: Judge;
}

/** The way of core over recorded rows. */
export async function settled(
  item: Item,
  rows: readonly Row[],
  { embed, recorded, judge: judged = async (_, seen) => seen }: Way,
): Promise<Settled> {
  const question = questionOf(item);
  const answers = [...rows];
  const texts = () => new Map(answers.map(({ text }, at) => [idOfMessage(at), text]));
  const judge = async () => {
    const vectors = await embedded(embed, [question, ...answers.map(({ text }) => text)]);
    return verdictOn(question, { rows: answers, vectors }, judged);
  };
  const first = await judge();
  const trigger = wanted(first, { taken: 0, quoted: false, texts: [...texts().values()] });
  const selected = texts().get(first.message_id) ?? '';
  let refinement: Refinement | undefined;
  let refined: Row | undefined;
  let last = first;
  if (trigger === 'contradiction' || trigger === 'divergence') {
    const { asked, told } = refinementOf({ trigger, verdict: first, terms: TERMS, question, texts: texts() });
    const brief = `${asked}\n\n${told}`;
    const asked_sha256 = createHash('sha256').update(brief).digest('hex').slice(0, 16);
    refinement = { model: PARTICIPANTS[first.chosen as ParticipantId], brief, asked_sha256 };
    refined = await recorded(refinement);
    if (refined !== undefined) {
      answers.push(refined);
      last = await judge();
    }
  }
  let final = texts().get(last.message_id) ?? '';
  let quotes = false;
  if (
    wanted(last, { taken: answers.length - 2, quoted: false, texts: [...texts().values()] }) === 'undecided'
  ) {
    const text = quotingAnswer(last, TERMS, final);
    const base = answers.find((row) => row.text === final);
    if (text !== undefined && base !== undefined) {
      answers.push({ ...base, text, input_tokens: 0, output_tokens: 0 });
      last = await judge();
      final = texts().get(last.message_id) ?? '';
      quotes = final !== withoutQuotes(final);
    }
  }
  return { first, trigger, refinement, refined, selected, final, quotes };
}

interface Taken {
  readonly taken: number;
  readonly quoted: boolean;
  readonly texts: readonly string[];
}

function wanted(verdict: Verdict, at: Taken) {
  // The extended loop is not recorded: it goes on from poor answers, not from contradictions.
  const terms = { ...TERMS, max_extended_turns: 0 };
  return extraTurnFor({ verdict, terms, extended: 0, critique: true, ...at });
}

/** Scores answers as core does. */
async function verdictOn(
  question: string,
  { rows, vectors: [asked, ...vectors] }: { rows: readonly Row[]; vectors: readonly (readonly number[])[] },
  judge: Judge,
): Promise<Verdict> {
  const plain = rows.map(
    ({ model, text, finish }, at): Candidate => ({
      participant: idOf(model),
      model,
      message_id: idOfMessage(at),
      before: rows.slice(0, at).filter((row) => row.model === model).length,
      text,
      finish: { unified: finish, raw: finish },
      risk: 0,
      vector: vectors[at],
    }),
  );
  const seen = contradictionsOf(plain, { question, least: TERMS.thresholds.contradiction });
  const { candidates, contradictions } = await judge(question, { candidates: plain, contradictions: seen });
  return arbitrate({ candidates, question: asked, terms: TERMS, contradictions });
}

function embedded(embed: Embed, texts: readonly string[]) {
  return embed(texts.map((text) => withoutQuotes(text).slice(0, EMBED_CHARS).trim() || '-'));
}

function idOf(model: string): ParticipantId {
  return model === PARTICIPANTS.modelA ? 'modelA' : 'modelB';
}

function idOfMessage(at: number): string {
  return `0194f0c2-0000-7000-8000-00000000000${at}`;
}
