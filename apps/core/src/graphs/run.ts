/** Runs a graph of agents: what can run at once does, each node is recorded as it ends, and the answer is decided. */
import type { AgentGraph, CallContext, Confidence, Decision, GraphNode } from '@mcp/contracts';
import { confidenceOf, type NodeOutcome, outputOf, schedule, stateOf } from '@mcp/conversation';
import { callScope, type Span, toPlatformError } from '@mcp/service-kit';
import type { Emit } from '../conversations/events.ts';
import { riskOf, stepsOfTurn } from '../conversations/response.ts';
import type { Session } from '../conversations/sessions.ts';
import type { CoreKit } from '../kit.ts';
import { modelOf } from './library.ts';
import { type NodeDeps, type NodeResult, runNode } from './node.ts';
import { recordedOutcomes } from './outcomes.ts';

export interface GraphDeps extends NodeDeps {
  readonly kit: NodeDeps['kit'] & Pick<CoreKit, 'metrics' | 'log' | 'tracer'>;
}

interface GraphSession {
  readonly session: Session;
  readonly graph: AgentGraph;
}

interface GraphCall {
  readonly call: CallContext;
  readonly emit: Emit;
}

/**
 * Runs the nodes that are not on record yet, and records the decision. When a node fails that is not optional, or the call
 * is aborted, the others are stopped, what they had said is recorded, and it throws.
 */
export async function runGraph(
  deps: GraphDeps,
  { session, graph }: GraphSession,
  { call, emit }: GraphCall,
): Promise<void> {
  const span = deps.kit.tracer.start('conversation.graph', {
    traceparent: call.traceparent,
    attributes: { 'mcp.graph': modelOf(graph) },
  });
  const scope = callScope(call.signal, call.deadline_ms);
  const run = new GraphRun(deps, { session, graph, emit, span });
  try {
    const inner = { ...call, traceparent: span.traceparent, signal: scope.signal };
    await run.finish(inner, (reason) => scope.abort(reason));
    await run.decide();
  } catch (error) {
    span.end(error);
    throw error;
  } finally {
    scope.dispose();
    span.end();
  }
}

interface Running extends GraphSession {
  readonly emit: Emit;
  readonly span: Span;
}

/** One run of a graph. Records are written by one at a time, in the order in which nodes end. */
class GraphRun {
  readonly #deps: GraphDeps;
  readonly #running: Running;
  readonly #outcomes: Map<string, NodeOutcome>;
  readonly #active = new Map<string, Promise<NodeResult>>();

  constructor(deps: GraphDeps, running: Running) {
    this.#deps = deps;
    this.#running = running;
    this.#outcomes = recordedOutcomes(stateOf(running.session.recorder.records).turns);
  }

  async finish(call: CallContext, stop: (reason: unknown) => void): Promise<void> {
    let failure: { readonly error: unknown } | undefined;
    for (;;) {
      if (call.signal.aborted) failure ??= { error: call.signal.reason };
      if (failure === undefined) this.#startReady(call);
      if (this.#active.size === 0) break;
      const ended = await Promise.race(this.#active.values());
      this.#active.delete(ended.node.id);
      try {
        await this.#take(ended, call);
      } catch (error) {
        failure ??= { error };
        stop(error);
      }
    }
    if (failure !== undefined) throw failure.error;
  }

  #startReady(call: CallContext): void {
    const { graph, session, emit } = this.#running;
    const { ready, skipped } = schedule(graph, this.#outcomes);
    for (const { id, reason } of skipped) this.#leaveOut(id, { state: 'skipped', reason });
    for (const node of ready)
      if (!this.#active.has(node.id))
        this.#active.set(node.id, runNode(this.#deps, { node, graph, session }, { call, emit }));
  }

  /** Records what a node said; a failure that the graph cannot do without is thrown. */
  async #take(ended: NodeResult, call: CallContext): Promise<void> {
    const { node, error } = ended;
    await this.#record(ended);
    if (error === undefined) return;
    if (call.signal.aborted || !node.optional) throw error;
    const { code, message } = toPlatformError(error);
    this.#deps.kit.log.warn({ code, node: node.id }, 'an optional node failed, the graph goes on');
    this.#leaveOut(node.id, { state: 'failed', reason: message });
  }

  async #record({ node, step, participant, result, error }: NodeResult): Promise<void> {
    if (result === undefined) return;
    const { session, graph, emit } = this.#running;
    const { newStepId } = session.recorder;
    const confidence: Confidence | undefined =
      error === undefined ? confidenceOf({ ...result, role: node.role }) : undefined;
    const sure = confidence === undefined ? {} : { confidence };
    await session.recorder.append(
      stepsOfTurn(result, { id: step, kind: 'turn', participant, newStepId, ...sure }),
    );
    emit({
      type: 'message.end',
      message_id: result.message_id,
      turn: placeOf(graph, node),
      step,
      participant: node.id,
      finish_reason: result.finish,
      usage: result.usage,
      content: result.text,
      ...(result.safety === undefined ? {} : { safety: result.safety }),
      ...riskOf(result.risk),
      ...sure,
    });
    session.watch?.assertAllowed();
    if (confidence === undefined) return;
    this.#outcomes.set(node.id, { state: 'finished', confidence: confidence.value });
    this.#deps.kit.metrics.inc('graph_nodes_total', { graph: modelOf(graph), status: 'finished' });
  }

  #leaveOut(id: string, outcome: Exclude<NodeOutcome, { state: 'finished' }>): void {
    const { graph, emit, span } = this.#running;
    this.#outcomes.set(id, outcome);
    span.event(`node.${outcome.state}`, { 'mcp.participant': id, reason: outcome.reason });
    this.#deps.kit.metrics.inc('graph_nodes_total', { graph: modelOf(graph), status: outcome.state });
    emit({ type: 'node', participant: id, ...outcome });
  }

  /** Records which node's text is the answer, and which nodes said nothing, and why. */
  async decide(): Promise<void> {
    const { graph, session, emit } = this.#running;
    const { recorder, trace_id } = session;
    const { question, turns } = stateOf(recorder.records);
    const chosen = outputOf(graph, this.#outcomes);
    const turn = turns.findLast(({ participant }) => participant === chosen);
    if (turn === undefined) throw new Error(`the graph ${graph.name} ended without an output`);
    const decision: Decision = {
      chosen: turn.participant,
      message_id: turn.message_id,
      method: 'graph',
      reason: reasonOf(graph, turn.participant, this.#outcomes),
      divergence: null,
      safety_delta: null,
      weights: { semantic: 0, coherence: 0, safety: 0 },
      candidates: [],
      critique_turn: false,
      duration_ms: 0,
    };
    const step = recorder.newStepId();
    const risk = riskOf(session.watch?.verdict);
    const parents = [question.step, turn.step];
    await recorder.append([
      { step, kind: 'decision', parents, content: decision.reason, trace_id, decision, ...risk },
    ]);
    emit({ type: 'decision', step, decision, ...risk });
  }
}

function placeOf({ nodes }: AgentGraph, { id }: Pick<GraphNode, 'id'>): number {
  return nodes.findIndex((node) => node.id === id);
}

function reasonOf(graph: AgentGraph, chosen: string, outcomes: ReadonlyMap<string, NodeOutcome>): string {
  const silent = graph.nodes.flatMap(({ id }) => {
    const outcome = outcomes.get(id);
    return outcome === undefined || outcome.state === 'finished'
      ? []
      : [`${id} ${outcome.state === 'skipped' ? 'did not run' : 'failed'}: ${outcome.reason}`];
  });
  const without = silent.length === 0 ? '' : ` ${silent.join('; ')}.`;
  return `The answer of ${modelOf(graph)} is that of its node ${chosen}.${without}`;
}
