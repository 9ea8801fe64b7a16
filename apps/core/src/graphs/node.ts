/** Runs one node of a graph of agents, within its own time, tokens and attempts. */
import {
  type AgentGraph,
  type CallContext,
  type GraphNode,
  type Participant,
  PlatformError,
  type RetryBudget,
} from '@mcp/contracts';
import { isJudge, type NodePlan, planNode, stateOf, VERDICT_FORMAT } from '@mcp/conversation';
import { callScope, toPlatformError } from '@mcp/service-kit';
import type { Emit } from '../conversations/events.ts';
import type { Session } from '../conversations/sessions.ts';
import { runTurn, type TurnDeps, type TurnRequest, type TurnResult } from '../conversations/turn.ts';

export type NodeDeps = TurnDeps;

interface NodeOfSession {
  readonly node: GraphNode;
  readonly graph: AgentGraph;
  readonly session: Session;
}

/** How a node ended: by its whole text, or by an error, beside which stands what it had said by then. */
export interface NodeResult {
  readonly node: GraphNode;
  readonly step: string;
  readonly participant: Participant;
  readonly result?: TurnResult;
  readonly error?: unknown;
}

/** Does not throw: how the node failed is in the result. */
export async function runNode(
  deps: NodeDeps,
  { node, graph, session }: NodeOfSession,
  { call, emit }: { readonly call: CallContext; readonly emit: Emit },
): Promise<NodeResult> {
  const participant = session.summary.participants.find(({ id }) => id === node.id);
  if (participant === undefined) throw new RangeError(`${node.id} is no participant`);
  const ended = { node, step: session.recorder.newStepId(), participant };
  const deadline_ms = Math.min(call.deadline_ms, Date.now() + node.timeout_ms);
  const scope = callScope(call.signal, deadline_ms);
  const retries = boundedRetries(node.retries, call.retries);
  try {
    const inner = { ...call, signal: scope.signal, deadline_ms, retries };
    const request = requestOf({ node, graph, session }, { step: ended.step, participant });
    const result = await ask(deps, { node, request }, { call: inner, emit });
    if (result.finish.unified !== 'cancelled') return { ...ended, result };
    return { ...ended, result, error: call.signal.aborted ? call.signal.reason : tooLong(node) };
  } catch (error) {
    if (call.signal.aborted) return { ...ended, error: call.signal.reason };
    return { ...ended, error: scope.signal.aborted ? tooLong(node) : error };
  } finally {
    scope.dispose();
  }
}

function requestOf(
  { node, graph, session }: NodeOfSession,
  { step, participant }: Pick<NodeResult, 'step' | 'participant'>,
): TurnRequest {
  const { recorder, systems, settings } = session;
  const { earlier, question, turns } = stateOf(recorder.records);
  const plan: NodePlan = {
    role: node.role,
    system: systems.get(node.id) ?? { step: undefined, content: '' },
    earlier,
    question,
    needs: node.needs.flatMap((need) => {
      const said = turns.findLast((turn) => turn.participant === need);
      const role = graph.nodes.find(({ id }) => id === need)?.role;
      return said === undefined || role === undefined ? [] : [{ ...said, role }];
    }),
  };
  return {
    turn: graph.nodes.indexOf(node),
    step,
    participant,
    ...planNode(plan),
    records: recorder.records,
    max_tokens_per_turn: Math.min(node.max_tokens, settings.max_tokens_per_turn),
    temperature: settings.temperature,
    seed: settings.seed,
    watch: session.watch,
    privacy: session.privacy,
    attributes: { 'mcp.role': node.role, 'mcp.needs': node.needs.join(',') },
  };
}

type Asked = NonNullable<TurnRequest['asked']>;

/** Models that were seen to refuse log-probabilities beside a form, of each core. */
const formAlone = new WeakMap<NodeDeps['models'], Set<string>>();

/** Judges are held to the form of a verdict, by servers that can; others are asked for it in words alone. */
async function ask(
  deps: NodeDeps,
  { node, request }: { readonly node: GraphNode; readonly request: TurnRequest },
  step: { readonly call: CallContext; readonly emit: Emit },
): Promise<TurnResult> {
  if (!isJudge(node.role)) return runTurn(deps, request, step);
  const { model } = request.participant;
  const { capabilities } = await deps.models.model(model, step.call);
  const known = formAlone.get(deps.models) ?? new Set();
  formAlone.set(deps.models, known);
  const logprobs = capabilities?.includes('logprobs') === true ? { logprobs: true } : {};
  const form = capabilities?.includes('json_schema') === false ? {} : { response_format: VERDICT_FORMAT };
  const first: Asked = { ...form, ...(known.has(model) ? {} : logprobs) };
  try {
    return await runTurn(deps, { ...request, asked: first }, step);
  } catch (thrown) {
    // What it can do is not always known before.
    const { code, param } = toPlatformError(thrown);
    if (code !== 'unsupported_parameter' && code !== 'invalid_request') throw thrown;
    if (param !== 'logprobs' || first.response_format === undefined) return runTurn(deps, request, step);
    known.add(model);
    return runTurn(deps, { ...request, asked: form }, step);
  }
}

function tooLong({ id, timeout_ms }: GraphNode): PlatformError {
  return new PlatformError(
    'deadline_exceeded',
    `The node ${id} took longer than its ${timeout_ms / 1000} s. Resume the conversation by its conversation_id, or allow the node more (timeout_ms).`,
  );
}

/** So many attempts of the node's own, as long as the request has any left. */
function boundedRetries(own: number, shared: RetryBudget | undefined): RetryBudget {
  let left = own;
  return {
    get left() {
      return Math.min(left, shared?.left ?? left);
    },
    take() {
      if (left === 0 || shared?.take() === false) return false;
      left--;
      return true;
    },
    settle(now) {
      const spent = Math.max(0, this.left - now);
      left -= spent;
      if (shared !== undefined) shared.settle(Math.max(0, shared.left - spent));
    },
  };
}
