/** The lineage of a conversation, as a graph: every record is a node, and so are safety actions and outputs. */
import type {
  ConversationLog,
  Lineage,
  LineageEdge,
  LineageNode,
  LineageNodeType,
  LogRecord,
  Step,
  TransformType,
} from '@mcp/contracts';
import { headerHash, recordHash } from './chain.ts';
import { lineageFlaws } from './lineage.ts';

const MAX_FAULTS = 100;

interface LineageSource {
  readonly log: ConversationLog;
  /** The steps that its records are, in their order. */
  readonly steps: readonly Step[];
  /** Where the transparency log has the entries of records, by `seq`. */
  readonly log_indexes: ReadonlyMap<number, number>;
}

/** Reads the lineage of a log, and walks over it. */
export function lineageOf({ log, steps, log_indexes }: LineageSource): Lineage {
  const graph = new Graph({ log_indexes, recorded: isRecorded(log) });
  for (const [at, record] of log.messages.entries()) {
    const step = steps[at];
    if (step !== undefined) graph.add(record, step);
  }
  const faults = faultsOf(log);
  return {
    conversation_id: log.id,
    owner: log.owner,
    version: log.version,
    parents_known: log.version !== 1,
    nodes: graph.nodes,
    edges: graph.edges,
    integrity: { ok: faults.length === 0, faults },
  };
}

/** Whether it is a completion that was recorded: each of its turns is an answer, and nothing decides. */
function isRecorded(log: ConversationLog): boolean {
  if (log.mode !== 'answer' || log.messages.some(({ decision }) => decision !== undefined)) return false;
  return log.version === 1 || log.participants.every(({ prompt }) => prompt === null);
}

/** Every fault of the log as a graph of records: hashes, links, and where steps come from. */
function faultsOf(log: ConversationLog): Lineage['integrity']['faults'] {
  const faults: Lineage['integrity']['faults'] = [];
  let previous = headerHash(log);
  for (const record of log.messages) {
    const { seq, hash, hash_prev } = record;
    if (recordHash(record) !== hash)
      faults.push({ seq, reason: `Record ${seq} was changed after it was written.` });
    if (hash_prev !== previous)
      faults.push({
        seq,
        reason: `Record ${seq} does not follow what is before it: one of the two was changed, removed or moved.`,
      });
    previous = hash;
  }
  if (log.version === 2) faults.push(...lineageFlaws(log));
  return faults.sort((a, b) => a.seq - b.seq).slice(0, MAX_FAULTS);
}

interface GraphOptions {
  readonly log_indexes: ReadonlyMap<number, number>;
  readonly recorded: boolean;
}

class Graph {
  readonly nodes: LineageNode[] = [];
  readonly edges: LineageEdge[] = [];
  readonly #options: GraphOptions;
  /** Records that are turns, by message, with their nodes: the turn, and its safety action where there is one. */
  readonly #turns = new Map<string, { readonly record: LogRecord; readonly ids: readonly string[] }>();
  /** The record of each node that is there. */
  readonly #records = new Map<string, LogRecord>();

  constructor(options: GraphOptions) {
    this.#options = options;
  }

  add(record: LogRecord, step: Step): void {
    const type = typeOf(record, step, this.#options);
    const own = this.#node(record, { id: step.id, type, parent_ids: step.parents, ...whoOf(record, step) });
    this.#enter(own, record, (parent) => scoreOf(record, parent));
    const ids = [own.id];
    if (record.safety !== undefined) {
      const { action, findings } = record.safety;
      const categories = [...new Set(findings.map(({ category }) => category))];
      const id = `${step.id}.safety`;
      const parent_ids = [step.id];
      this.#enter(this.#node(record, { id, type: 'safety_action', parent_ids, action, categories }), record);
      ids.push(id);
    }
    if (step.kind === 'turn' || step.kind === 'critique') {
      this.#turns.set(record.message_id, { record, ids });
      if (this.#options.recorded) this.#output(record, step.id, []);
    }
    if (record.decision !== undefined) this.#output(record, step.id, [step.id]);
  }

  /** What was answered in the end: by the decision, or the one turn that there was. */
  #output(record: LogRecord, step: string, by: readonly string[]): void {
    const chosen = this.#turns.get(record.decision?.message_id ?? record.message_id);
    const answer = chosen?.record ?? record;
    const parent_ids = [...(chosen?.ids ?? []), ...by];
    const node = this.#node(answer, { id: `${step}.output`, type: 'output', parent_ids });
    this.#enter({ ...node, produced_at: record.at }, answer, () => scoreOf(record, answer));
  }

  #node(
    record: LogRecord,
    rest: Pick<LineageNode, 'id' | 'type' | 'parent_ids'> & Partial<LineageNode>,
  ): LineageNode {
    const { at, seq, hash, trace_id } = record;
    return {
      transform_type: TRANSFORMS[rest.type],
      produced_at: at,
      seq,
      hash,
      log_index: this.#options.log_indexes.get(seq) ?? null,
      trace_id,
      ...rest,
    };
  }

  /** A node, and an edge from each parent that there is; one that is not there is a fault. */
  #enter(
    node: LineageNode,
    record: LogRecord,
    confidence: (parent: LogRecord) => number | null = () => null,
  ): void {
    this.nodes.push(node);
    const { id: to, transform_type, produced_at: at } = node;
    for (const from of node.parent_ids) {
      const parent = this.#records.get(from);
      if (parent !== undefined)
        this.edges.push({ from, to, transform_type, confidence: confidence(parent), at });
    }
    this.#records.set(to, record);
  }
}

const TRANSFORMS: Readonly<Record<LineageNodeType, TransformType>> = {
  instruction: 'instruct',
  input: 'ask',
  tool_output: 'tool_call',
  summary: 'summarize',
  candidate: 'generate',
  decision: 'arbitrate',
  safety_action: 'screen',
  output: 'answer',
};

/** A recorded completion has what tools gave as a question that begins so. */
const FROM_TOOL = '[tool] ';

function typeOf({ content }: LogRecord, { kind }: Step, { recorded }: GraphOptions): LineageNodeType {
  switch (kind) {
    case 'system':
      return 'instruction';
    case 'question':
      return recorded && content.startsWith(FROM_TOOL) ? 'tool_output' : 'input';
    case 'turn':
    case 'critique':
      return 'candidate';
    case 'summary':
    case 'decision':
      return kind;
    default:
      return kind satisfies never;
  }
}

function whoOf({ model, prompt }: LogRecord, { kind, participant }: Step): Partial<LineageNode> {
  return {
    ...(kind === 'critique' ? { transform_type: 'critique' } : {}),
    ...(participant === undefined ? {} : { participant }),
    ...(model === undefined ? {} : { model }),
    ...(prompt === undefined ? {} : { prompt }),
  };
}

/** How sure a decision was of one of the answers that it weighed; null where nothing was scored. */
function scoreOf({ decision }: LogRecord, answer: LogRecord): number | null {
  if (decision === undefined) return null;
  const scored = decision.candidates.find(({ message_id }) => message_id === answer.message_id);
  const own = 'confidence' in answer ? answer.confidence?.value : undefined;
  return scored?.composite ?? own ?? null;
}
