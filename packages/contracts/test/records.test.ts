/** Jobs, spans and the checks of logs as they are kept. */
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import type { z } from 'zod';
import {
  ChainVerdict,
  CreateJobRequest,
  GovernanceRun,
  Job,
  JobFile,
  JobSpec,
  SpanRecord,
  traceSubject,
} from '../src/index.ts';
import { AN_ID, AT, DATE, describeFields, expectAccepted, expectRefused, UUID, WHOLE } from './support.ts';

const HASH = 'a'.repeat(64);
const job = {
  id: UUID,
  kind: 'export',
  status: 'queued',
  owner: 'key:1',
  created_at: AT,
  updated_at: AT,
  attempt: 0,
  max_attempts: 3,
  progress: { done: 0, total: 1, note: '' },
  trace_id: 't',
};
const span = {
  trace_id: 't',
  span_id: 's',
  parent_span_id: null,
  name: 'n',
  service: 'core',
  kind: 'server',
  start_unix_ms: 1,
  duration_ms: 0.5,
  status: 'unset',
  attributes: { a: 'x', b: 1, c: true, d: ['y'] },
  events: [{ name: 'e', at_unix_ms: 1, attributes: {} }],
};
const verdict = { id: UUID, ok: false, status: 'broken', records: 3, broken_at: 1, reason: 'x', head: null };
const run = {
  job: 'log-check',
  id: UUID,
  started_at: AT,
  finished_at: null,
  ok: null,
  checked: 0,
  failures: [],
  error: null,
};

describeFields([
  [
    'a job',
    Job,
    job,
    {
      id: AN_ID,
      status: {
        right: ['running', 'retrying', 'completed', 'cancelled', 'dead'],
        wrong: ['lost', undefined],
      },
      attempt: WHOLE,
      max_attempts: { right: [1], wrong: [0, -1] },
      'progress.done': { right: [0, 0.5], wrong: [-1, '1'] },
      error: { right: [undefined, { code: 'c', message: 'm' }], wrong: [{ code: 'c' }, 'no', null] },
    },
  ],
  [
    'a file of a job',
    JobFile,
    { href: '/x', content_type: 't', size_bytes: 0, sha256: HASH },
    {
      size_bytes: WHOLE,
    },
  ],
  [
    'a new job',
    CreateJobRequest,
    { spec: { kind: 'export' } },
    {
      idempotency_key: { right: [undefined, 'k', 'x'.repeat(200)], wrong: ['', 'x'.repeat(201), 1] },
      owner: { right: [], wrong: ['me'] },
    },
  ],
  [
    'a span',
    SpanRecord,
    span,
    {
      kind: { right: ['internal', 'client', 'producer', 'consumer'], wrong: ['other', undefined] },
      parent_span_id: { right: ['p', null], wrong: [undefined, 1] },
      attributes: { right: [{}, { a: [] }], wrong: [{ a: null }, { a: {} }, { a: [1] }] },
      links: { right: [undefined, [], [{ trace_id: 't', span_id: 's' }]], wrong: [[{ trace_id: 't' }]] },
    },
  ],
  [
    'a verdict',
    ChainVerdict,
    verdict,
    {
      status: { right: ['ok', 'unconfirmed'], wrong: ['fine'] },
      broken_at: { right: [null, 0], wrong: [0.5, undefined] },
    },
  ],
  [
    'a run of governance',
    GovernanceRun,
    run,
    {
      started_at: DATE,
      checked: WHOLE,
      failures: { right: [[], [verdict]], wrong: [[{}], null] },
    },
  ],
]);

describe('what need not be said', () => {
  it.each<[string, z.ZodType, object, object]>([
    ['a run of governance', GovernanceRun, run, { unconfirmed: 0, complete: true }],
    ['an export', JobSpec, { kind: 'export' }, { format: 'jsonl' }],
  ])('of %s is put in', (_, schema, given, filled) => {
    expect(schema.parse(given)).toMatchObject(filled);
  });
});

describe('a job', () => {
  it.each<[string, object]>([
    ['a summary', { kind: 'summarize-conversation', conversation_id: UUID, model: 'm' }],
    ['vectors', { kind: 'embed-batch', texts: ['a'] }],
    ['an export of some', { kind: 'export', conversation_ids: [UUID] }],
  ])('may be %s', (_, spec) => expectAccepted(JobSpec, spec));

  it.each<[string, object, string]>([
    ['a summary of nothing', { kind: 'summarize-conversation' }, 'conversation_id'],
    ['vectors of nothing', { kind: 'embed-batch', texts: [] }, 'texts'],
    ['vectors of an empty text', { kind: 'embed-batch', texts: [''] }, 'texts.0'],
    ['vectors of too many', { kind: 'embed-batch', texts: Array.from({ length: 2049 }, () => 'a') }, 'texts'],
    ['an export of none', { kind: 'export', conversation_ids: [] }, 'conversation_ids'],
    ['an export in a format that there is not', { kind: 'export', format: 'csv' }, 'format'],
    ['with a field that is not known', { kind: 'export', all: true }, 'all'],
    ['of another kind', { kind: 'delete-everything' }, 'kind'],
  ])('is not %s', (_, spec, fault) => expectRefused(JobSpec, spec, fault));
});

it('the spans of a trace have a subject of their own', () => {
  fc.assert(
    fc.property(fc.stringMatching(/^[0-9a-f]{32}$/), fc.stringMatching(/^[0-9a-f]{32}$/), (one, other) => {
      expect(traceSubject(one)).toMatch(/^mcp\.traces\.[0-9a-f]{32}$/);
      expect(traceSubject(one) === traceSubject(other)).toBe(one === other);
    }),
  );
});
