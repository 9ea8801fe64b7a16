/** Where each part of a conversation comes from: a directed acyclic graph, read from its log. */
import { z } from 'zod';
import { LogRecordV2 } from './log.ts';
import { SafetyAction } from './safety.ts';

/** What a node is. Texts that came with the question are told apart: instructions, inputs, outputs of tools. */
export const LineageNodeType = z.enum([
  'instruction',
  'input',
  'tool_output',
  'summary',
  'candidate',
  'decision',
  'safety_action',
  'output',
]);
export type LineageNodeType = z.infer<typeof LineageNodeType>;

/** How a node was made from its parents. */
export const TransformType = z.enum([
  'instruct',
  'ask',
  'tool_call',
  'generate',
  'critique',
  'summarize',
  'arbitrate',
  'screen',
  'answer',
]);
export type TransformType = z.infer<typeof TransformType>;

/** A record's step, or what was made of one without a record of its own: `<step>.safety`, `<step>.output`. */
const NodeId = z.string().max(80);

const LineageNode = z.object({
  id: NodeId,
  type: LineageNodeType,
  /** Nodes whose content it was made from. */
  parent_ids: z.array(NodeId),
  transform_type: TransformType,
  produced_at: z.iso.datetime(),
  /** The record that has it: its place in the log, and its hash. */
  seq: z.number().int().nonnegative(),
  hash: LogRecordV2.shape.hash,
  /** Index of the record's entry in the transparency log; null: it is not there (yet). */
  log_index: z.number().int().nonnegative().nullable(),
  trace_id: z.string(),
  participant: z.string().optional(),
  model: z.string().optional(),
  prompt: LogRecordV2.shape.prompt,
  /** Of a safety action: what was done about what was found. */
  action: SafetyAction.optional(),
  categories: z.array(z.string()).optional(),
});
export type LineageNode = z.infer<typeof LineageNode>;

const LineageEdge = z.object({
  /** The parent, and the node that was made from it. */
  from: NodeId,
  to: NodeId,
  transform_type: TransformType,
  /** Of a candidate in a decision, its score; of an output, that of the answer it is; null where nothing was scored. */
  confidence: z.number().min(0).max(1).nullable(),
  at: z.iso.datetime(),
});
export type LineageEdge = z.infer<typeof LineageEdge>;

/** What is wrong with a lineage, and at which record. */
const LineageFault = z.object({ seq: z.number().int().nonnegative(), reason: z.string() });

export const Lineage = z.object({
  conversation_id: z.uuid(),
  owner: z.string(),
  version: z.union([z.literal(1), z.literal(2), z.literal(3)]),
  /** False for a log of version 1: its records do not name what they were made from. */
  parents_known: z.boolean(),
  nodes: z.array(LineageNode),
  edges: z.array(LineageEdge),
  /** What walking over it found: the first 100 faults, in the order of records. */
  integrity: z.object({ ok: z.boolean(), faults: z.array(LineageFault) }),
});
export type Lineage = z.infer<typeof Lineage>;

const Attributes = z.record(z.string(), z.unknown());
const Section = z.record(z.string(), Attributes);

/** A document of W3C PROV-JSON (member submission of 24 April 2013), as far as lineage needs it. */
export const ProvDocument = z.object({
  prefix: z.record(z.string(), z.string()),
  entity: Section,
  activity: Section,
  agent: Section,
  used: Section,
  wasGeneratedBy: Section,
  wasDerivedFrom: Section,
  wasAssociatedWith: Section,
});
export type ProvDocument = z.infer<typeof ProvDocument>;

/** In which form a lineage is wanted; `Accept: application/prov+json` asks for `prov` as well. */
export const LineageQuery = z.strictObject({ format: z.enum(['json', 'prov']).optional() });
