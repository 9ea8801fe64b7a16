/** What an agent of a graph is shown: the question, what the nodes before it said, and the task of its role. */
import type { AgentRole } from '@mcp/contracts';
import { type Context, contextOf, type Said, shownAs, shownFirst, type TurnPlan } from '../turns/turns.ts';
import { isJudge, verdictOf } from './verdict.ts';

/** What a node said that this one needs. */
interface SaidBefore extends Said {
  readonly role: AgentRole;
}

export interface NodePlan extends Pick<TurnPlan, 'system' | 'earlier' | 'question'> {
  readonly role: AgentRole;
  /** In the order in which the node names them. */
  readonly needs: readonly SaidBefore[];
}

/** What stands above a text: no sentence, which a small model would write down again. */
const TITLES: Readonly<Record<AgentRole, string>> = {
  strategist: 'Plan',
  answerer: 'Answer',
  critic: 'Criticism',
  synthesizer: 'Answer',
  verifier: 'Check of the facts',
  guardian: 'Check of safety',
};

/** A question up to this length is repeated where it is to be answered at last: small models have lost it by then. */
const MAX_REPEATED_CHARS = 400;

// Small models write down again whatever stands in an example.
const AS_JSON =
  'Answer with one line of JSON that has three fields: "verdict", which is "pass" or "fail"; "confidence", a number from 0 to 1 that says how sure you are of the verdict; "reason", which says why in two sentences at most.';

const TASKS: Readonly<Record<AgentRole, { readonly first: string | undefined; readonly after: string }>> = {
  strategist: {
    first:
      'Do not answer yet. Say in a few lines how to answer: what has to be covered, what has to be checked, and what could go wrong.',
    after:
      'Say in a few lines how to answer the question now: what has to be covered, checked and put right.',
  },
  answerer: { first: undefined, after: 'Give your own answer to the question.' },
  critic: {
    first: `Say whether the question can be answered as it stands. ${AS_JSON}`,
    after: `Look for what is wrong, missing or unsupported in this. It passes if it can stand as it is. ${AS_JSON}`,
  },
  synthesizer: {
    first: undefined,
    after:
      'Give one final answer to the question, in your own words: keep what is right in this, correct what was shown to be wrong. Write the answer alone.',
  },
  verifier: {
    first: `Say whether the question rests on facts that are right. ${AS_JSON}`,
    after: `Check fact by fact whether the answer is right and answers the question. It passes if all of it is. ${AS_JSON}`,
  },
  guardian: {
    first: `Say whether it is safe to answer the question. ${AS_JSON}`,
    after: `Say whether it is safe to give this answer: no help to hurt anybody, no private data, no dangerous advice. It passes if it is safe. ${AS_JSON}`,
  },
};

/** The messages that the model of a node is asked with. */
export function planNode(plan: NodePlan): Context {
  const before = shownFirst(plan);
  const shown = plan.needs.map(({ role, step, content }, place) =>
    shownAs('user', { step, content: quoted(TITLES[role], { place, text: spoken(role, content) }) }),
  );
  const { first, after } = TASKS[plan.role];
  const task = shown.length === 0 ? first : after;
  const { content: question } = plan.question;
  const again =
    plan.role === 'synthesizer' && task !== undefined && question.length <= MAX_REPEATED_CHARS
      ? `\n\nQuestion: ${question}`
      : '';
  return contextOf([...before, ...shown], before.length - 1, task === undefined ? undefined : task + again);
}

function quoted(title: string, { place, text }: { readonly place: number; readonly text: string }): string {
  return `${title} (${place + 1}):\n\n"""\n${text}\n"""`;
}

/** A verdict in words: who reads JSON answers in JSON. */
function spoken(role: AgentRole, content: string): string {
  const verdict = isJudge(role) ? verdictOf(content) : undefined;
  return verdict === undefined
    ? content
    : `${verdict.verdict === 'pass' ? 'No fault found.' : 'Fault found:'} ${verdict.reason}`.trim();
}
