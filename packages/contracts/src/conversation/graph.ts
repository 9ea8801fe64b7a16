/** A graph of agents: who answers, who criticises, who verifies, and on whose confidence the way branches. */
import { z } from 'zod';
import { ParticipantId, PromptName } from './participant.ts';

/** What an agent is for: it is given the task of its role, and judges are asked for a verdict. */
export const AgentRole = z.enum(['strategist', 'answerer', 'critic', 'synthesizer', 'verifier', 'guardian']);
export type AgentRole = z.infer<typeof AgentRole>;

export const MAX_GRAPH_NODES = 16;
const MAX_OUTPUTS = 4;

/** Conversations in turns have these names, as modes or as models. */
const RESERVED_NAMES: ReadonlySet<string> = new Set(['answer', 'cross-check', 'dual']);

export const GraphName = z
  .string()
  .regex(/^[a-z][a-z0-9-]{0,39}$/, 'must be a name such as plan-verify (lower case letters, digits and -)')
  .refine((name) => !RESERVED_NAMES.has(name), {
    error: ({ input }) =>
      `must not be ${String(input)}: that is a conversation in turns. Choose another name`,
  });

/** When a node runs: its own need `node` is at least, or less than, so confident. */
const Condition = z.strictObject({
  node: ParticipantId,
  confidence: z.enum(['>=', '<']),
  threshold: z.number().min(0).max(1),
});
export type Condition = z.infer<typeof Condition>;

/** One agent. It is a participant of the conversation, with the id of its node. */
const GraphNode = z.strictObject({
  id: ParticipantId,
  role: AgentRole,
  /** Absent: a ready model, each time the one that the fewest nodes have. */
  model: z.string().min(1).max(200).optional(),
  prompt: PromptName,
  /** Nodes whose texts it is shown; it waits for them. None: it is shown the question alone. */
  needs: z.array(ParticipantId).max(MAX_GRAPH_NODES).default([]),
  when: Condition.optional(),
  /** Tokens that it may write. */
  max_tokens: z.number().int().min(16).max(4096).default(512),
  /** How long it may take, its wait for the model and all its attempts included. */
  timeout_ms: z.number().int().min(1000).max(3_600_000).default(300_000),
  /** Attempts after the first, as far as the request has any left. */
  retries: z.number().int().min(0).max(5).default(2),
  /** True: the graph goes on without it when it fails. */
  optional: z.boolean().default(false),
});
export type GraphNode = z.infer<typeof GraphNode>;

const Shape = z.strictObject({
  name: GraphName,
  /** One line for people who choose. */
  description: z.string().min(1).max(300),
  nodes: z.array(GraphNode).min(1).max(MAX_GRAPH_NODES),
  /** The answer is the text of the first of these that ran; the last of them always runs. */
  output: z.array(ParticipantId).min(1).max(MAX_OUTPUTS),
});

export const AgentGraph = Shape.superRefine((graph, context) => {
  for (const { path, message } of faultsOf(graph)) context.addIssue({ code: 'custom', path, message });
});
export type AgentGraph = z.infer<typeof AgentGraph>;

const MAX_GRAPHS = 64;

/** The graphs of a stack. */
export const Graphs = z
  .array(AgentGraph)
  .max(MAX_GRAPHS)
  .superRefine((graphs, context) => {
    for (const [at, { name }] of graphs.entries())
      if (graphs.findIndex((one) => one.name === name) < at)
        context.addIssue({
          code: 'custom',
          path: [at, 'name'],
          message: `two graphs are called ${name}: give each its own name`,
        });
  });

/** A graph as `GET /v1/graphs` lists it. */
export const GraphInfo = Shape.extend({
  /** Its name as a model, and as a mode of `POST /chat`. */
  model: z.string(),
  source: z.enum(['built-in', 'stack']),
});
export type GraphInfo = z.infer<typeof GraphInfo>;

/** Ids of the nodes that run whatever the confidences are, unless the graph fails. */
export function certainNodes({ nodes }: Pick<AgentGraph, 'nodes'>): ReadonlySet<string> {
  const certain = new Set<string>();
  // Each pass finds at least one more, or is the last.
  for (let before = -1; certain.size > before; ) {
    before = certain.size;
    for (const { id, needs, when, optional } of nodes)
      if (when === undefined && !optional && (needs.length === 0 || needs.some((need) => certain.has(need))))
        certain.add(id);
  }
  return certain;
}

interface Fault {
  readonly path: (string | number)[];
  readonly message: string;
}

/** What is wrong with a graph: the names first, for nothing else can be said while one of them is. */
function faultsOf(graph: z.infer<typeof Shape>): Fault[] {
  const named = nameFaults(graph);
  if (named.length > 0) return named;
  const cycle = cycleIn(graph.nodes);
  if (cycle !== undefined)
    return [
      {
        path: ['nodes'],
        message: `the needs ${cycle.join(' → ')} are a cycle, in which each node would wait for itself: take one of them out`,
      },
    ];
  return [...uselessFaults(graph), ...outputFaults(graph)];
}

function nameFaults({ nodes, output }: z.infer<typeof Shape>): Fault[] {
  const ids = nodes.map(({ id }) => id);
  const there = `there are ${ids.join(', ')}`;
  const faults: Fault[] = [];
  for (const [at, { id, needs, when }] of nodes.entries()) {
    if (ids.indexOf(id) < at)
      faults.push({ path: ['nodes', at, 'id'], message: `two nodes are called ${id}: give each its own id` });
    for (const need of needs)
      if (!ids.includes(need))
        faults.push({ path: ['nodes', at, 'needs'], message: `there is no node ${need}; ${there}` });
    if (new Set(needs).size < needs.length)
      faults.push({ path: ['nodes', at, 'needs'], message: `${id} names a need twice: name each once` });
    if (when !== undefined && !needs.includes(when.node))
      faults.push({
        path: ['nodes', at, 'when'],
        message: `depends on ${when.node}, which is not among the needs of ${id}: add it there`,
      });
  }
  for (const [at, id] of output.entries())
    if (!ids.includes(id)) faults.push({ path: ['output', at], message: `there is no node ${id}; ${there}` });
  return faults;
}

type Needs = Pick<GraphNode, 'id' | 'needs'>;

/** The ids along a cycle, the first one again at its end; undefined when there is none. */
function cycleIn(nodes: readonly Needs[]): string[] | undefined {
  const needsOf = new Map(nodes.map(({ id, needs }) => [id, needs]));
  const done = new Set<string>();
  const from = (id: string, way: readonly string[]): string[] | undefined => {
    const at = way.indexOf(id);
    if (at >= 0) return [...way.slice(at), id];
    if (done.has(id)) return undefined;
    for (const need of needsOf.get(id) ?? []) {
      const cycle = from(need, [...way, id]);
      if (cycle !== undefined) return cycle;
    }
    done.add(id);
    return undefined;
  };
  for (const { id } of nodes) {
    const cycle = from(id, []);
    if (cycle !== undefined) return cycle;
  }
  return undefined;
}

/** Nodes from which no way leads to an output: they would be paid for and not read. */
function uselessFaults({ nodes, output }: z.infer<typeof Shape>): Fault[] {
  const read = new Set(output);
  // Sets are gone through in the order of insertion, what is added meanwhile included.
  for (const id of read) for (const need of nodes.find((node) => node.id === id)?.needs ?? []) read.add(need);
  return nodes.flatMap(({ id }, at) =>
    read.has(id)
      ? []
      : [
          {
            path: ['nodes', at],
            message: `no way leads from ${id} to an output: let a node need it, or take it out`,
          },
        ],
  );
}

function outputFaults(graph: z.infer<typeof Shape>): Fault[] {
  const last = graph.output.at(-1) ?? '';
  if (certainNodes(graph).has(last)) return [];
  return [
    {
      path: ['output'],
      message: `the last output, ${last}, may not run, and there would be no answer: end with a node that is neither optional nor conditional, nor behind such ones alone`,
    },
  ];
}
