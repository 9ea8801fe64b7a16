import type { Decision, Participant } from '@mcp/contracts';
import { explainDecision, MEASURES } from '../chat/explain.ts';
import { labelOf, toneOf } from '../chat/participants.ts';
import { formatScore } from '../format.ts';
import { Badge } from '../ui/basics.tsx';

interface DecisionProps {
  readonly decision: Decision;
  /** Of the conversation, in their order. */
  readonly participants: readonly Participant[];
}

/** The arbitration in words, and the scores it rests on as bars. */
export function DecisionView({ decision, participants }: DecisionProps) {
  return (
    <section class="decision panel" aria-label="Decision">
      <div class="decision-head">
        <h2>
          Decision: model{' '}
          <span class={`tag who-${toneOf(decision.chosen, participants)}`}>{labelOf(decision.chosen)}</span>
        </h2>
        <Badge>{decision.method.replace(/-/g, ' ')}</Badge>
        {decision.critique_turn ? <Badge tone="warn">after a critique turn</Badge> : null}
      </div>
      <p class="decision-reason">{decision.reason}</p>
      <p class="decision-words">{explainDecision(decision).join(' ')}</p>
      {decision.candidates.length === 0 ? null : <Scores decision={decision} participants={participants} />}
      <dl class="decision-facts">
        <Fact
          term="Divergence"
          value={decision.divergence === null ? 'unknown' : formatScore(decision.divergence)}
          hint="1 − cosine of the embeddings of the two answers that are furthest apart"
        />
        <Fact
          term="Safety delta"
          value={decision.safety_delta === null ? 'unknown' : formatScore(decision.safety_delta)}
          hint="The highest risk less the lowest"
        />
      </dl>
    </section>
  );
}

function Fact({
  term,
  value,
  hint,
}: {
  readonly term: string;
  readonly value: string;
  readonly hint: string;
}) {
  return (
    <div title={hint}>
      <dt>{term}</dt>
      <dd>{value}</dd>
    </div>
  );
}

function Scores({ decision, participants }: DecisionProps) {
  return (
    <table class="scores">
      <caption class="visually-hidden">Scores of the candidates, each from 0 to 1</caption>
      <thead>
        <tr>
          <th scope="col">Measure</th>
          {decision.candidates.map((candidate) => (
            <th key={candidate.role} scope="col">
              <span class={`tag who-${toneOf(candidate.role, participants)}`}>{labelOf(candidate.role)}</span>{' '}
              <span class="scores-model">{candidate.model}</span>
            </th>
          ))}
        </tr>
      </thead>
      <tbody>
        {MEASURES.map(({ name, label, hint }) => (
          <tr key={name} class={name === 'composite' ? 'scores-total' : undefined}>
            <th scope="row" title={hint}>
              {label}
              {name === 'composite' ? null : <small> weight {formatScore(decision.weights[name])}</small>}
            </th>
            {decision.candidates.map((candidate) => (
              <Score
                key={candidate.role}
                tone={toneOf(candidate.role, participants)}
                value={candidate[name]}
              />
            ))}
          </tr>
        ))}
      </tbody>
    </table>
  );
}

function Score({ tone, value }: { readonly tone: string; readonly value: number }) {
  return (
    <td>
      <div class="score">
        <svg class={`bar who-${tone}`} viewBox="0 0 100 8" preserveAspectRatio="none" aria-hidden="true">
          <rect class="bar-track" width="100" height="8" rx="1" />
          <rect class="bar-fill" width={Math.max(0, Math.min(100, value * 100))} height="8" rx="1" />
        </svg>
        <span class="score-value">{formatScore(value)}</span>
      </div>
    </td>
  );
}
