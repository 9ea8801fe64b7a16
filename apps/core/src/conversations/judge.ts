/** Lets a model judge what the arbitration read off the texts: within a number of calls and a time, and never needed. */
import {
  type ArbitrationTerms,
  type CallContext,
  type ChatMessage,
  type LogprobToken,
  type ModelGatewayApi,
  PlatformError,
  type RecordedContradiction,
} from '@mcp/contracts';
import { type Candidate, contradictionQuestion, soundnessQuestion, whyOf, yesOf } from '@mcp/conversation';
import { callScope } from '@mcp/service-kit';
import type { CoreKit } from '../kit.ts';

/** Alternatives of the first token that yes and no are looked for in. */
const TOP = 20;

export interface JudgeDeps {
  readonly kit: Pick<CoreKit, 'log'>;
  readonly models: ModelGatewayApi;
  readonly terms: ArbitrationTerms;
}

interface Case {
  readonly question: string;
  readonly candidates: readonly Candidate[];
  readonly contradictions: readonly RecordedContradiction[];
}

type Judged = Pick<Case, 'candidates' | 'contradictions'>;

/**
 * The same with the judge's word: each candidate's soundness, and the strength of a contradiction as the mean of the
 * evidence and the judge's probability; those that fall under the threshold go. What was not judged in time stays.
 */
export async function judge(
  deps: JudgeDeps,
  { question, candidates, contradictions }: Case,
  call: CallContext,
): Promise<Judged> {
  const { terms } = deps;
  const deadline_ms = Math.min(call.deadline_ms, Date.now() + terms.judge.timeout_ms);
  const scope = callScope(call.signal, deadline_ms);
  const bounded = { ...call, signal: scope.signal, deadline_ms };
  let left = terms.judge.max_calls;
  try {
    const model = await judgeModel(deps, bounded);
    if (model === undefined) return { candidates, contradictions };
    const ask = async (messages: readonly ChatMessage[]) =>
      left-- > 0 && !scope.signal.aborted
        ? yesOf(await firstToken(deps, { model, messages }, bounded))
        : undefined;
    const held: RecordedContradiction[] = [];
    for (const one of contradictions) {
      const [a, b] = one.between;
      const judged = weighed(one, await ask(contradictionQuestion(a.claim, b.claim)));
      if (judged.strength >= terms.thresholds.contradiction) held.push(judged);
    }
    const sound: Candidate[] = [];
    for (const one of candidates)
      sound.push({ ...one, judged: await ask(soundnessQuestion(question, one.text)) });
    return { candidates: sound, contradictions: held };
  } finally {
    scope.dispose();
  }
}

function weighed(one: RecordedContradiction, yes: number | undefined): RecordedContradiction {
  if (yes === undefined) return one;
  const [a, b] = one.between;
  // Who is surer than the evidence gives it its name.
  const kind = yes > one.strength ? 'judged' : one.kind;
  const why = whyOf(kind, [a.role, b.role], one.against);
  return { ...one, kind, why, strength: (one.strength + yes) / 2 };
}

/** The model that the terms name, or the first of the platform's own that is ready. */
async function judgeModel({ models, terms }: JudgeDeps, call: CallContext): Promise<string | undefined> {
  if (terms.judge.model !== undefined) return terms.judge.model;
  const own = (await models.models(call)).filter(
    ({ kind, status, own }) => kind === 'chat' && status === 'ready' && own === true,
  );
  return own[0]?.id;
}

/** The first token that the model would say, with its alternatives; undefined when it could not be had in time. */
async function firstToken(
  { models, kit }: JudgeDeps,
  { model, messages }: { readonly model: string; readonly messages: readonly ChatMessage[] },
  call: CallContext,
): Promise<LogprobToken | undefined> {
  const request = { model, messages: [...messages], stream: true, max_tokens: 1, temperature: 0 };
  try {
    for await (const event of models.generate({ ...request, logprobs: true, top_logprobs: TOP }, call))
      if (event.type === 'text' && event.logprobs?.[0] !== undefined) return event.logprobs[0];
  } catch (error) {
    if (!(error instanceof PlatformError)) throw error;
    kit.log.debug({ code: error.code, model }, 'the judge did not answer');
  }
  return undefined;
}
