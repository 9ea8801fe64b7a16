/** What a gateway answers with, each sample checked against its contract so that it cannot drift from it. */
import {
  ApiKeyView,
  Conversation,
  ConversationSummary,
  Decision,
  Job,
  LogRecord,
  ModelInfo,
  type Participant,
  SpanRecord,
} from '@mcp/contracts';
import type { LiveStats } from '../../src/api/platform.ts';

export const TRACE = 'a'.repeat(32);
export const AT = '2026-11-23T10:00:00.000Z';
export const STOP = { unified: 'stop', raw: 'stop' } as const;

/** The same id for the same number. */
export function idOf(number: number): string {
  return `00000000-0000-4000-8000-${String(number).padStart(12, '0')}`;
}

/** As many participants as a conversation may have: modelA, modelB … modelH. */
export function participantsOf(count: number): Participant[] {
  return Array.from({ length: count }, (_, at) => ({
    id: `model${String.fromCharCode(65 + at)}`,
    model: `model-${at + 1}`,
    prompt: null,
  }));
}

export function summary(number: number, more: Partial<ConversationSummary> = {}): ConversationSummary {
  return ConversationSummary.parse({
    id: idOf(number),
    created_at: AT,
    updated_at: new Date(Date.parse(AT) - number * 60_000).toISOString(),
    mode: 'debate',
    participants: participantsOf(2),
    models: ['model-1', 'model-2'],
    title: `Question ${number}`,
    status: 'completed',
    turns: 2,
    exchanges: 2,
    trace_id: TRACE,
    ...more,
  });
}

/** A record of version 1; `step`, `kind` and `parents` in `more` make it one of version 2. */
export function record(seq: number, role: string, more: object = {}): LogRecord {
  return LogRecord.parse({
    seq,
    role,
    content: `${role} says ${seq}`,
    at: AT,
    trace_id: TRACE,
    pii_tags: [],
    message_id: idOf(1000 + seq),
    hash_prev: '0'.repeat(64),
    hash: String(seq % 10).repeat(64),
    ...more,
  });
}

/** A question, and one turn of each participant. */
export function conversation(number: number, more: object = {}): Conversation {
  return Conversation.parse({
    ...summary(number),
    messages: [
      record(0, 'system', { content: 'Be exact.', prompt: { name: 'base_system', sha256: 'f'.repeat(64) } }),
      record(1, 'user', { content: 'Why is the sky blue?' }),
      record(2, 'modelA', { content: 'Light is **scattered**.', model: 'model-1', finish_reason: STOP }),
      record(3, 'modelB', { content: 'By small molecules.', model: 'model-2', finish_reason: STOP }),
    ],
    decision: null,
    ...more,
  });
}

/** A decision between as many candidates; each scores a little higher than the one before. */
export function decision(count: number, more: Partial<Decision> = {}): Decision {
  return Decision.parse({
    chosen: `model${String.fromCharCode(64 + count)}`,
    message_id: idOf(1000 + count),
    reason: 'It says more.',
    method: 'composite',
    divergence: 0.25,
    safety_delta: 0.05,
    weights: { semantic: 0.5, coherence: 0.3, safety: 0.2 },
    candidates: participantsOf(count).map(({ id, model }, at) => ({
      role: id,
      model,
      message_id: idOf(1001 + at),
      semantic: 0.5,
      coherence: 0.5,
      safety: 1,
      composite: 0.2 + at / 10,
    })),
    critique_turn: false,
    duration_ms: 12,
    ...more,
  });
}

export function model(id: string, more: Partial<ModelInfo> = {}): ModelInfo {
  return ModelInfo.parse({
    id,
    backend: 'scripted',
    kind: 'chat',
    owned_by: 'mcp',
    max_context: 4096,
    cost_input_per_mtok_usd: null,
    cost_output_per_mtok_usd: null,
    status: 'ready',
    ...more,
  });
}

export function job(number: number, more: Partial<Job> = {}): Job {
  return Job.parse({
    id: idOf(number),
    kind: 'export',
    status: 'completed',
    owner: 'me',
    created_at: AT,
    updated_at: AT,
    attempt: 1,
    max_attempts: 3,
    progress: { done: 1, total: 2, note: '' },
    trace_id: TRACE,
    ...more,
  });
}

export function apiKey(number: number, more: object = {}): ApiKeyView {
  return ApiKeyView.parse({
    id: idOf(number),
    name: `key ${number}`,
    prefix: 'mcp_abcd',
    scopes: ['chat'],
    created_at: AT,
    revoked_at: null,
    expires_at: null,
    ...more,
  });
}

/** A span that begins `start_ms` after the trace does. */
export function span(id: string, parent: string | null, more: Partial<SpanRecord> = {}): SpanRecord {
  return SpanRecord.parse({
    trace_id: TRACE,
    span_id: id,
    parent_span_id: parent,
    name: `work ${id}`,
    service: 'gateway',
    kind: 'server',
    start_unix_ms: 1_000_000,
    duration_ms: 100,
    status: 'ok',
    attributes: {},
    events: [],
    ...more,
  });
}

export function stats(at_s: number, more: Partial<LiveStats> = {}): LiveStats {
  return {
    at: new Date(at_s * 1000).toISOString(),
    p50_ms: 12,
    p95_ms: 1500,
    requests_per_s: 3,
    error_ratio: 0.5,
    tokens_in_total: 1000,
    tokens_out_total: 2000,
    queues: [{ model: 'alpha', running: 1, waiting_interactive: 4, waiting_batch: 7, capacity: 2 }],
    models: [model('alpha')],
    ...more,
  };
}
