import { type AgentGraph, type GraphInfo, PlatformError, TurnMode } from '@mcp/contracts';
import { SHIPPED_GRAPHS } from './shipped.ts';

/** The name of a graph as a model, and as the mode of its conversations. */
export function modelOf({ name }: Pick<AgentGraph, 'name'>): `mcp/${string}` {
  return `mcp/${name}`;
}

/** Graphs of agents: those that are built in, and those of the stack, which go before. */
export class GraphLibrary {
  readonly #graphs: ReadonlyMap<string, AgentGraph>;
  readonly #own: ReadonlySet<string>;

  constructor(own: readonly AgentGraph[]) {
    this.#graphs = new Map([...SHIPPED_GRAPHS, ...own].map((graph) => [modelOf(graph), graph]));
    this.#own = new Set(own.map(modelOf));
  }

  /** By its name, or by its name as a model. Throws `invalid_request` with the names there are. */
  get(mode: string): AgentGraph {
    const graph = this.#graphs.get(mode.startsWith('mcp/') ? mode : `mcp/${mode}`);
    if (graph !== undefined) return graph;
    throw new PlatformError(
      'invalid_request',
      `mode: must be ${TurnMode.options.join(', ')}, or a graph of agents, and there is no '${mode.slice(0, 48)}'. GET /v1/graphs lists: ${[...this.#graphs.keys()].join(', ')}.`,
      { param: 'mode' },
    );
  }

  list(): GraphInfo[] {
    return [...this.#graphs].map(([model, graph]) => ({
      ...graph,
      model,
      source: this.#own.has(model) ? 'stack' : 'built-in',
    }));
  }
}
