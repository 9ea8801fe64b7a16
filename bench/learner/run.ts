/**
 * The learner of weights where the truth is known: what it gains and costs against fixed weights, and whether the replay
 * of its decisions tells the truth. `node bench/learner/run.ts --out bench/learner/result.json`
 */
import { writeFileSync } from 'node:fs';
import { parseArgs } from 'node:util';
import { ArbitrationTerms, type Evidence, type JudgedDecision } from '@mcp/contracts';
import { armsOf, choiceOf, chooseArm, type Learnt, learn, lessonsOf, replay } from '@mcp/conversation';
import { bootstrapFigure, mulberry32 } from '../stats.ts';
import { saidOf, type Task, taskOf, WORLDS, type World } from './world.ts';

const { values } = parseArgs({
  options: {
    seeds: { type: 'string', default: '20' },
    decisions: { type: 'string', default: '3000' },
    out: { type: 'string' },
  },
});
const SEEDS = Number(values.seeds);
const DECISIONS = Number(values.decisions);
/** Decisions after which what was learnt is looked up again. */
const FRESH = 100;

type Taught = Pick<JudgedDecision, 'evidence' | 'score' | 'better'>;

const terms = ArbitrationTerms.parse({});
const arms = armsOf(terms);

interface Sums {
  readonly declared: number;
  readonly learner: number;
  /** Of the second half. */
  readonly late: number;
  readonly fixed: readonly number[];
}

interface History {
  readonly sums: Sums;
  readonly taught: readonly Taught[];
}

function history(world: World, seed: number, learns: boolean): History {
  const random = mulberry32(seed * 7919);
  const taught: Taught[] = [];
  let learnt: Learnt = learn([], 0);
  const gains = { declared: 0, learner: 0, late: 0 };
  const fixed = arms.map(() => 0);
  for (let at = 0; at < DECISIONS; at++) {
    const task = taskOf(world, random);
    if (learns && at % FRESH === 0) {
      const latest = taught.slice(-1000);
      learnt = learn(latest.flatMap(lessonsOf), latest.length);
    }
    const choice = learns ? chooseArm({ evidence: task, arms, learnt, terms }, random()) : undefined;
    const chosen = answerOf(task, choice?.arm.weights ?? terms.weights);
    const good = task.good[chosen] ?? 0;
    const declared = task.good[answerOf(task, terms.weights)] ?? 0;
    gains.declared += declared / DECISIONS;
    gains.learner += good / DECISIONS;
    if (at >= DECISIONS / 2) gains.late += (good - declared) / (DECISIONS / 2);
    for (const [which, arm] of arms.entries())
      fixed[which] = (fixed[which] ?? 0) + (task.good[answerOf(task, arm.weights)] ?? 0) / DECISIONS;
    const said = saidOf(task, chosen, random);
    if (said !== undefined) taught.push({ ...said, evidence: evidenceOf(task, chosen, choice) });
  }
  return { sums: { ...gains, fixed }, taught };
}

function answerOf({ candidates }: Task, weights: ArbitrationTerms['weights']): number {
  const id = choiceOf(candidates, weights)?.message_id;
  return candidates.findIndex((one) => one.message_id === id);
}

function evidenceOf(task: Task, chosen: number, choice: ReturnType<typeof chooseArm>): Evidence {
  return {
    message_id: task.candidates[chosen]?.message_id ?? '',
    method: 'composite',
    divergence: null,
    safety_delta: 0,
    weights: choice?.arm.weights ?? terms.weights,
    candidates: task.candidates,
    critique_turn: false,
    contradiction: task.contradiction,
    ...(choice && {
      learner: { version: '1', arm: choice.arm.name, propensity: choice.propensity, lessons: 0 },
    }),
  };
}

/** Mean over seeds with its interval, in points of the share of good answers. */
function points(all: readonly number[]) {
  const { value, low, high } = bootstrapFigure(
    all.length,
    (picked) => picked.reduce((sum, at) => sum + (all[at] ?? 0), 0) / picked.length,
  );
  const round = (share: number) => Math.round(share * 10_000) / 100;
  return { value: round(value), low: round(low), high: round(high) };
}

function figuresOf(world: World) {
  const runs = Array.from({ length: SEEDS }, (_, seed) => history(world, seed + 1, true));
  const means = arms.map((_arm, at) => runs.reduce((sum, { sums }) => sum + (sums.fixed[at] ?? 0), 0));
  const best = means.indexOf(Math.max(...means));
  const over = (of: (sums: Sums) => number) => points(runs.map(({ sums }) => of(sums)));
  return {
    world: world.name,
    declared_percent: over(({ declared }) => declared),
    learner_gain_points: over(({ learner, declared }) => learner - declared),
    learner_gain_late_points: over(({ late }) => late),
    best_fixed: arms[best]?.name,
    best_fixed_gain_points: over(({ fixed, declared }) => (fixed[best] ?? 0) - declared),
    regret_to_best_fixed_points: over(({ fixed, learner }) => (fixed[best] ?? 0) - learner),
    replay: replayFigures(runs),
  };
}

/** How often the interval of an arm's change holds its true change over the same kind of decisions. */
function replayFigures(runs: readonly History[]) {
  let held = 0;
  let all = 0;
  const off: number[] = [];
  for (const { taught, sums } of runs) {
    const { policies } = replay(taught, terms);
    for (const [at, arm] of arms.entries()) {
      if (at === 0) continue;
      const change = policies.find(({ policy }) => policy === arm.name)?.change;
      if (change === undefined) continue;
      const truth = (sums.fixed[at] ?? 0) - sums.declared;
      all++;
      if (truth >= change.low && truth <= change.high) held++;
      off.push(change.value - truth);
    }
  }
  return {
    intervals: all,
    held_percent: Math.round((held / all) * 1000) / 10,
    bias_points: Math.round((off.reduce((sum, one) => sum + one, 0) / off.length) * 10_000) / 100,
  };
}

/** Whether a replay of decisions by declared weights alone, with the learner off, would advise rightly. */
function adviceOf(world: World) {
  const advice = Array.from({ length: SEEDS }, (_, seed) => {
    const { taught } = history(world, seed + 1001, false);
    return replay(taught, terms).policies.find(({ policy }) => policy === 'learned')?.change;
  });
  return {
    switch_on: advice.filter((change) => change !== undefined && change.low > 0).length,
    leave_off: advice.filter((change) => change === undefined || change.low <= 0).length,
  };
}

const result = {
  decisions: DECISIONS,
  seeds: SEEDS,
  feedback: '20 % of decisions; of it 30 % names the better answer',
  learner: terms.learner,
  worlds: WORLDS.map((world) => ({ ...figuresOf(world), advice_before_switching_on: adviceOf(world) })),
};
process.stdout.write(`${JSON.stringify(result, null, 2)}\n`);
if (values.out !== undefined) writeFileSync(values.out, `${JSON.stringify(result, null, 2)}\n`);
