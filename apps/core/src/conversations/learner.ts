/** Moves the weights of the arbitration by feedback: which of a few weights decides is drawn, and recorded. */
import { createHash } from 'node:crypto';
import type { ArbitrationTerms, LearnerChoice } from '@mcp/contracts';
import {
  armsOf,
  chooseArm,
  isOpen,
  LEARNER_VERSION,
  type Learnt,
  learn,
  lessonsOf,
  reweighed,
  type Verdict,
} from '@mcp/conversation';
import type { CoreKit } from '../kit.ts';
import type { FeedbackStore } from '../store/feedback.ts';

/** How old what was learnt may be. */
const FRESH_MS = 30_000;
/** Of feedback from the beginning. */
const BEGINNING = '1970-01-01T00:00:00.000Z';

export interface LearnerDeps {
  readonly kit: Pick<CoreKit, 'flags' | 'log' | 'metrics'>;
  readonly terms: ArbitrationTerms;
  readonly feedback: Pick<FeedbackStore, 'mark' | 'latest'>;
}

/** What the learner makes of a verdict. */
export interface Weighed {
  readonly verdict: Verdict;
  readonly learner: LearnerChoice | undefined;
}

export class Learner {
  readonly #deps: LearnerDeps;
  #learnt: { readonly mark: string; readonly learnt: Learnt; readonly at_ms: number } | undefined;
  #loading: Promise<Learnt> | undefined;

  constructor(deps: LearnerDeps) {
    this.#deps = deps;
  }

  /**
   * The verdict under the weights that were drawn. The same where the learner is off or has no say. `key` names the decision: drawn again, it
   * comes to the same.
   */
  async weigh(
    verdict: Verdict,
    of: { readonly key: string; readonly critique_turn: boolean },
  ): Promise<Weighed> {
    const { kit, terms } = this.#deps;
    const { flags } = kit;
    const open = isOpen({ ...verdict, critique_turn: of.critique_turn }, terms);
    if (!flags.enabled('ARBITRATION_LEARNER_ENABLED') || flags.enabled('MODEL_ARBITRATION_SHADOW') || !open)
      return { verdict, learner: undefined };
    const learnt = await this.#current();
    if (learnt === undefined) return { verdict, learner: undefined };
    const arms = armsOf(terms);
    const contradiction = Math.max(0, ...(verdict.contradictions ?? []).map(({ strength }) => strength));
    const evidence = { candidates: verdict.candidates, contradiction };
    const choice = chooseArm({ evidence, arms, learnt, terms }, drawOf(of.key));
    if (choice === undefined) return { verdict, learner: undefined };
    const { arm, propensity } = choice;
    kit.metrics.inc('model_arbitration_learner_total', { arm: arm.name });
    const { lessons } = learnt;
    const version = LEARNER_VERSION;
    if (flags.enabled('ARBITRATION_LEARNER_SHADOW'))
      return {
        verdict,
        learner: { version, arm: 'declared', propensity: 1, lessons, shadow: arm.name },
      };
    return {
      verdict: reweighed(verdict, arm.weights),
      learner: { version, arm: arm.name, propensity, lessons },
    };
  }

  /** What is known by now; undefined while the store cannot be asked and nothing was learnt before. */
  async #current(): Promise<Learnt | undefined> {
    if (this.#learnt !== undefined && Date.now() - this.#learnt.at_ms < FRESH_MS) return this.#learnt.learnt;
    this.#loading ??= this.#load().finally(() => {
      this.#loading = undefined;
    });
    try {
      return await this.#loading;
    } catch (err) {
      this.#deps.kit.log.warn({ err }, 'feedback could not be read');
      return this.#learnt?.learnt;
    }
  }

  async #load(): Promise<Learnt> {
    const { feedback, terms } = this.#deps;
    const { since = BEGINNING, max_per_caller } = terms.learner;
    const mark = await feedback.mark();
    const at_ms = Date.now();
    if (this.#learnt?.mark === mark) {
      this.#learnt = { ...this.#learnt, at_ms };
      return this.#learnt.learnt;
    }
    const taught = (await feedback.latest({ since, max_per_caller }))
      .map(lessonsOf)
      .filter((lessons) => lessons.length > 0);
    const learnt = learn(taught.flat(), taught.length);
    this.#learnt = { mark, learnt, at_ms };
    return learnt;
  }
}

/** A number in [0, 1) that a text stands for. */
function drawOf(key: string): number {
  return createHash('sha256').update(key).digest().readUIntBE(0, 6) / 2 ** 48;
}
