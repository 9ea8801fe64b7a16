/** A conversation log of one record, signed. */
import { chainRecord, signLog } from '@mcp/provenance';

const HEADER = {
  version: 1 as const,
  id: '0194f0c2-0000-7000-8000-000000000001',
  created_at: '2026-11-29T00:00:00.000Z',
  owner: 'key:1',
  mode: 'answer' as const,
  models: ['a', 'b'],
};
const RECORD = chainRecord(HEADER, undefined, {
  role: 'user',
  content: 'Why?',
  at: HEADER.created_at,
  trace_id: 'f'.repeat(32),
  pii_tags: [],
  message_id: '0194f0c2-0000-7000-8000-000000000002',
});

export const LOG = signLog(HEADER, [RECORD], 'a provenance secret for these tests only');
