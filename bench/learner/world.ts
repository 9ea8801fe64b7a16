/** Decisions whose truth is known: candidates with components, and how likely each is a good answer. */
import type { CandidateScore, JudgedDecision } from '@mcp/contracts';

/** What makes an answer good: log odds per unit of a component, around the mean of the candidates. */
export interface World {
  readonly name: string;
  readonly effects: {
    readonly semantic: number;
    readonly coherence: number;
    readonly safety: number;
    readonly contradicted: number;
  };
}

/** The first is as the declared weights have it; in the last nothing that is measured matters. */
export const WORLDS: readonly World[] = [
  { name: 'as declared', effects: { semantic: 8, coherence: 6, safety: 6, contradicted: -4 } },
  { name: 'coherence', effects: { semantic: 0, coherence: 12, safety: 2, contradicted: -2 } },
  { name: 'semantic', effects: { semantic: 20, coherence: -2, safety: 2, contradicted: -2 } },
  { name: 'contradictions', effects: { semantic: 2, coherence: 2, safety: 2, contradicted: -5 } },
  { name: 'contradictions mislead', effects: { semantic: 6, coherence: 6, safety: 2, contradicted: 2 } },
  { name: 'nothing', effects: { semantic: 0, coherence: 0, safety: 0, contradicted: 0 } },
];

/** A decision to make, with the probability that each answer is good. */
export interface Task {
  readonly candidates: CandidateScore[];
  readonly contradiction: number;
  readonly good: readonly number[];
}

export function taskOf(world: World, random: () => number): Task {
  const count = random() < 0.7 ? 2 : 3;
  const contradiction = random() < 0.4 ? 0.3 + 0.6 * random() : 0;
  const loser = Math.floor(random() * count);
  const candidates = Array.from({ length: count }, (_, at): CandidateScore => {
    const against = contradiction > 0 && at === loser ? contradiction : 0;
    return {
      role: `model${'ABC'[at]}`,
      model: `model-${at}`,
      message_id: `00000000-0000-4000-8000-${String(at).padStart(12, '0')}`,
      semantic: within(0.75 + 0.06 * normal(random)),
      coherence: within(0.6 + 0.12 * normal(random)),
      safety: within(0.97 - 0.03 * Math.abs(normal(random))),
      ...(against === 0 ? {} : { contradicted: against }),
      composite: 0,
    };
  });
  const { effects } = world;
  const worth = candidates.map(
    ({ semantic, coherence, safety, contradicted = 0 }) =>
      effects.semantic * semantic +
      effects.coherence * coherence +
      effects.safety * safety +
      effects.contradicted * contradicted,
  );
  const mean = worth.reduce((sum, one) => sum + one, 0) / count;
  // Some questions are hard for all.
  const ease = 0.3 + 0.8 * normal(random);
  return { candidates, contradiction, good: worth.map((one) => 1 / (1 + Math.exp(mean - one - ease))) };
}

/** Share of decisions of which anybody says something; of these, in which the best answer is named. */
const SAID = 0.2;
const NAMED = 0.3;

/** What somebody says of the answer that was chosen, if anything. */
export function saidOf(
  task: Task,
  chosen: number,
  random: () => number,
): Pick<JudgedDecision, 'score' | 'better'> | undefined {
  if (random() >= SAID) return undefined;
  if (random() >= NAMED) return { score: Number(random() < (task.good[chosen] ?? 0)), better: null };
  const felt = task.good.map((good) => Number(random() < good) + random() / 2);
  const best = felt.indexOf(Math.max(...felt));
  return { score: null, better: task.candidates[best]?.message_id ?? null };
}

function within(value: number): number {
  return Math.min(1, Math.max(0, value));
}

function normal(random: () => number): number {
  return Math.sqrt(-2 * Math.log(1 - random())) * Math.cos(2 * Math.PI * random());
}
