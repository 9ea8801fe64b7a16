/** How sure an agent is, read from what it says. */
import type { AgentRole, Confidence, FinishReason, LogprobToken } from '@mcp/contracts';
import { coherence } from '../arbitration/coherence.ts';

const JUDGES: ReadonlySet<AgentRole> = new Set(['critic', 'verifier', 'guardian']);

/** Whether agents of this role are asked for a verdict. */
export function isJudge(role: AgentRole): boolean {
  return JUDGES.has(role);
}

/** What a judge's answer is held to, by servers that can: the verdict first, so that a cut answer still has it. */
export const VERDICT_FORMAT = {
  type: 'json_schema' as const,
  json_schema: {
    name: 'verdict',
    strict: true,
    schema: {
      type: 'object',
      properties: {
        verdict: { type: 'string', enum: ['pass', 'fail'] },
        confidence: { type: 'number' },
        reason: { type: 'string' },
      },
      required: ['verdict', 'confidence', 'reason'],
      additionalProperties: false,
    },
  },
};

/** A judge's verdict. */
export interface Verdict {
  readonly verdict: 'pass' | 'fail';
  /** How sure of it the judge says it is, in [0, 1]; one that gives no number is sure. */
  readonly confidence: number;
  readonly reason: string;
}

const VERDICT = /"verdict"\s{0,9}:\s{0,9}"(pass|fail)"/d;
const CONFIDENCE = /"confidence"\s{0,9}:\s{0,9}(\d{1,3}(?:\.\d{1,9})?)/;
const REASON = /"reason"\s{0,9}:\s{0,9}"((?:[^"\\]|\\.)*)/;

/** Reads the line of JSON, cut or not; undefined when there is no verdict in it. */
export function verdictOf(text: string): Verdict | undefined {
  const verdict = VERDICT.exec(text)?.[1];
  if (verdict !== 'pass' && verdict !== 'fail') return undefined;
  const stated = Number(CONFIDENCE.exec(text)?.[1] ?? 1);
  return {
    verdict,
    // Some models count in per cent.
    confidence: Math.min(1, stated > 1 ? stated / 100 : stated),
    reason: unescaped(REASON.exec(text)?.[1] ?? ''),
  };
}

function unescaped(text: string): string {
  try {
    return String(JSON.parse(`"${text}"`));
  } catch {
    return text;
  }
}

/** What an agent has said. */
export interface Spoken {
  readonly role: AgentRole;
  readonly text: string;
  readonly finish: FinishReason;
  /** The tokens of the text with their log-probabilities, where the server gives them. */
  readonly logprobs: readonly LogprobToken[];
}

const AGREES = /\b(pass(es)?|correct|accurate|right|true|safe|sound|supported|yes)\b/gi;
const OBJECTS =
  /\b(fails?|incorrect|inaccurate|wrong|false|unsafe|unsound|unsupported|mistakes?|errors?|missing|no)\b/gi;

/**
 * In [0, 1]. Of a judge: how sure it is that what it judges passes, by the probability of the tokens of its verdict, by
 * the number that it states, or by its words where it gives no verdict. Of anybody else: how coherent its text is.
 */
export function confidenceOf({ role, text, finish, logprobs }: Spoken): Confidence {
  if (!isJudge(role)) return { value: coherence(text, finish), from: 'text' };
  const verdict = verdictOf(text);
  if (verdict === undefined) {
    const agrees = text.match(AGREES)?.length ?? 0;
    const objects = text.match(OBJECTS)?.length ?? 0;
    return { value: (agrees + 1) / (agrees + objects + 2), from: 'text' };
  }
  const probability = probabilityOf(logprobs);
  const sure = probability ?? verdict.confidence;
  return {
    value: verdict.verdict === 'pass' ? sure : 1 - sure,
    from: probability === undefined ? 'verdict' : 'logprobs',
  };
}

/** Of the tokens that the word of the verdict is made of. */
function probabilityOf(logprobs: readonly LogprobToken[]): number | undefined {
  const [from, to] = VERDICT.exec(logprobs.map(({ token }) => token).join(''))?.indices?.[1] ?? [];
  if (from === undefined || to === undefined) return undefined;
  let at = 0;
  let sum = 0;
  for (const { token, logprob } of logprobs) {
    if (at < to && at + token.length > from) sum += logprob;
    at += token.length;
  }
  return Math.min(1, Math.exp(sum));
}
