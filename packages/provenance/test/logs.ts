/** Logs of each version for these tests, and arbitrary ones. */
import type { ConversationLog, LogRecord, Participant, StepKind } from '@mcp/contracts';
import fc from 'fast-check';
import { chainRecord, type LogHeader, type NewRecord, roleOf, signLog } from '../src/index.ts';

export const SECRET = 'a secret of the platform, for this test alone';
export const OTHER_SECRET = 'the secret of somebody else, long enough';

const COMMON = {
  id: '0194f0c2-0000-7000-8000-000000000001',
  created_at: '2026-11-23T12:00:00.000Z',
  owner: 'key:1',
  mode: 'debate',
} as const;

export const HEADER_V1 = { ...COMMON, version: 1 as const, models: ['a', 'b'] } satisfies LogHeader;

const IDS = ['modelA', 'modelB', 'critic'] as const;
const PARTICIPANTS: Participant[] = IDS.map((id) => ({ id, model: `${id}-7b`, prompt: 'base_system' }));
export const HEADER_V2 = {
  ...COMMON,
  version: 2 as const,
  participants: PARTICIPANTS,
  models: PARTICIPANTS.map(({ model }) => model),
} satisfies LogHeader;

export const HEADER_V3 = { ...HEADER_V2, version: 3 as const } satisfies LogHeader;

type Version = ConversationLog['version'];

/** A step of a log to make: `parents` picks among the steps before it. */
export interface Draft {
  readonly content: string;
  readonly kind: StepKind;
  readonly by: (typeof IDS)[number];
  readonly parents: readonly number[];
}

const draft: fc.Arbitrary<Draft> = fc.record({
  content: fc.string({ unit: 'grapheme' }),
  kind: fc.constantFrom<StepKind>('system', 'question', 'turn', 'critique', 'summary', 'decision'),
  by: fc.constantFrom(...IDS),
  parents: fc.array(fc.nat(20), { maxLength: 4 }),
});
export const drafts = fc.array(draft, { minLength: 2, maxLength: 12 });
export const versions = fc.constantFrom<Version>(1, 2, 3);

export function draftOf(content: string): Draft {
  return { content, kind: 'question', by: 'modelA', parents: [] };
}

/** The n-th record of a log, not chained yet. */
export function recordOf({ content, kind, by, parents }: Draft, at: number, version: Version): NewRecord {
  const common = {
    content,
    at: COMMON.created_at,
    trace_id: 'f'.repeat(32),
    pii_tags: [],
    message_id: '0194f0c2-0000-7000-8000-000000000002',
  };
  if (version === 1) return { ...common, role: by === 'critic' ? 'user' : by };
  const hasOne = kind !== 'question' && kind !== 'decision';
  const who = hasOne ? { participant: by } : {};
  const before = at === 0 ? [] : [...new Set(parents.map((parent) => `s${parent % at}`))];
  const step = { ...common, step: `s${at}`, kind, parents: before, ...who, role: roleOf({ kind, ...who }) };
  return version === 2
    ? step
    : { ...step, salt: 'AAAAAAAAAAAAAAAAAAAAAA', key_id: '0194f0c2-0000-7000-8000-000000000003' };
}

/** Records chained one to the other, whatever they are. */
export function chained(header: LogHeader, records: readonly NewRecord[]): LogRecord[] {
  const made: LogRecord[] = [];
  for (const record of records) made.push(chainRecord(header, made.at(-1), record));
  return made;
}

export function headerOf(version: Version): LogHeader {
  return { 1: HEADER_V1, 2: HEADER_V2, 3: HEADER_V3 }[version];
}

export function logOf(list: readonly Draft[], version: Version): ConversationLog {
  const records = list.map((one, at) => recordOf(one, at, version));
  return signLog(headerOf(version), chained(headerOf(version), records), SECRET);
}
