import type { CandidateScore, Decision, FinishReason } from '@mcp/contracts';
import { formatDuration, formatScore } from '../format.ts';

/** The measures of a candidate in the order they are shown, each in [0, 1]. */
export const MEASURES = [
  {
    name: 'semantic',
    label: 'Semantic',
    hint: 'Closeness of the answer to the question and to the other answers',
  },
  { name: 'coherence', label: 'Coherence', hint: 'Evidence of sound reasoning found in the text' },
  { name: 'safety', label: 'Safety', hint: '1 minus the risk found in the text' },
  { name: 'composite', label: 'Composite', hint: 'The weighted sum that decides' },
] as const satisfies readonly { name: keyof CandidateScore; label: string; hint: string }[];

/** How a decision came about, for someone who has not read the specification; the platform's own `reason` says what it is. */
export function explainDecision(decision: Decision): readonly string[] {
  return [...method(decision), ...divergence(decision), ...critique(decision), ...contradictions(decision)];
}

/** Why a generation ended, in words; the usual end needs none. */
export function explainFinish(reason: FinishReason): string {
  switch (reason.unified) {
    case 'stop':
      return 'complete';
    case 'length':
      return 'cut at the token limit';
    case 'tool_calls':
      return 'asks for a tool';
    case 'content_filter':
      return 'withheld by a content filter';
    case 'cancelled':
      return 'cancelled';
    case 'error':
      return 'broke off';
    case 'other':
      return reason.raw ?? 'ended';
    default:
      return reason.unified satisfies never;
  }
}

function method(decision: Decision): string[] {
  const own = decision.candidates.filter(({ role }) => role === decision.chosen);
  // Of a participant with several answers, the one that stands.
  const chosen = own.find(({ message_id }) => message_id === decision.message_id) ?? own[0];
  const [other] = decision.candidates
    .filter((candidate) => candidate !== chosen)
    .sort((a, b) => b.composite - a.composite);
  const took = `It took ${formatDuration(decision.duration_ms)}.`;
  switch (decision.method) {
    case 'composite': {
      if (chosen === undefined || other === undefined)
        return ['The higher composite score was chosen.', took];
      const { semantic, coherence, safety } = decision.weights;
      const margin = Math.abs(chosen.composite - other.composite);
      return [
        `Composite is ${formatScore(semantic)} × semantic + ${formatScore(coherence)} × coherence + ${formatScore(safety)} × safety.`,
        `The margin${decision.candidates.length > 2 ? ' to the next' : ''} is ${formatScore(margin)}${margin < 0.03 ? ', a close call' : ''}.`,
        took,
      ];
    }
    case 'fastest-successful':
      return ['No scores could be taken, so the first model that answered without a fault was chosen.', took];
    case 'only-candidate':
      return ['Only one participant gave an answer, so there was nothing to compare.'];
    case 'disabled':
      return [
        'Arbitration is switched off (MODEL_ARBITRATION_ENABLED), so an answer stands without being scored.',
      ];
    case 'graph':
      return ['The graph of agents says itself which of its nodes gives the answer.'];
    case 'shadow':
      return [
        `With arbitration applied, the answer of ${decision.shadow?.chosen ?? 'another'} would stand.`,
        took,
      ];
    default:
      return decision.method satisfies never;
  }
}

function divergence(decision: Decision): string[] {
  if (decision.divergence !== null || decision.candidates.length < 2) return [];
  return ['How far the answers are apart is unknown: no embedding model answered.'];
}

function critique(decision: Decision): string[] {
  if (!decision.critique_turn) return [];
  const why = decision.extra_turns?.[0] ?? 'divergence';
  return [
    {
      divergence: 'They were far enough apart that an extra critique turn was taken before deciding.',
      contradiction: 'They contradicted each other, so an extra critique turn was taken before deciding.',
      'low-composite': 'None scored well enough, so an extra turn was taken before deciding.',
      undecided: 'No evidence decides between them, so the answer quotes the other side.',
      risk: 'The question called for care, so an extra turn checked the answers before deciding.',
    }[why],
  ];
}

/** Claims that are shown of a decision; all are in its record. */
const SHOWN = 3;

function contradictions({ contradictions: found = [] }: Decision): string[] {
  return found
    .slice(0, SHOWN)
    .map(({ between: [a, b] }) => `Contradiction: “${a.claim}” against “${b.claim}”.`);
}
