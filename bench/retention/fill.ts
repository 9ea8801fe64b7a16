/** Conversations of fifty records each, written straight into the core's store: every second one is old. */
import { randomBytes, randomUUID } from 'node:crypto';
import type { LogRecord } from '@mcp/contracts';
import { chainRecord, signatureOf } from '@mcp/provenance';
import type { DataKeys } from '../../apps/core/src/encryption/data-keys.ts';
import { headerOf } from '../../apps/core/src/log/state.ts';
import type { OpenDatabase } from '../../apps/core/src/store/open.ts';
import { insertRecords } from '../../apps/core/src/store/rows.ts';

export const PER_CONVERSATION = 50;
export const SECRET = 'a secret of this benchmark, and of nothing else';
const OLD = '2026-01-15T10:00:00.000Z';
const NEW = '2026-11-28T10:00:00.000Z';
const PER_TRANSACTION = 50;
const MODELS = ['alpha', 'beta', 'gamma'];

interface Filling {
  readonly conversations: number;
  /** False: the core is to take them to event bus, archive and transparency log. */
  readonly committed: boolean;
}

export interface Sums {
  records: number;
  input_tokens: number;
  output_tokens: number;
}

/** Stores conversations, every second one of them old; what the old ones are in sums. */
export async function fill(open: OpenDatabase, keys: DataKeys, how: Filling): Promise<Sums> {
  const { conversations } = how;
  const sums: Sums = { records: 0, input_tokens: 0, output_tokens: 0 };
  for (let at = 0; at < conversations; at += PER_TRANSACTION) {
    const many = await Promise.all(
      Array.from({ length: Math.min(PER_TRANSACTION, conversations - at) }, (_, n) =>
        made(keys, at + n, how),
      ),
    );
    await open.db.transaction().execute(async (tx) => {
      for (const { row, records, fresh } of many) {
        await tx.insertInto('conversations').values(row).execute();
        await tx.insertInto('data_keys').values(fresh.row).execute();
        await insertRecords(tx, { id: row.id, key: fresh.key }, records);
      }
    });
    for (const { row, records } of many.filter((one) => one.row.updated_at === OLD)) {
      sums.records += row.records;
      for (const { usage } of records) {
        sums.input_tokens += usage?.input_tokens ?? 0;
        sums.output_tokens += usage?.output_tokens ?? 0;
      }
    }
  }
  return sums;
}

async function made(keys: DataKeys, n: number, { committed }: Filling) {
  const id = randomUUID();
  const created_at = n % 2 === 0 ? OLD : NEW;
  const owner = `key:${n % 100}`;
  const participants = MODELS.slice(0, 2).map((model, i) => ({ id: `m${i}`, model, prompt: null }));
  const fresh = await keys.make(id);
  const summary = { id, created_at, mode: 'debate' as const, participants };
  const header = headerOf({ version: 3, summary, owner });
  const records: LogRecord[] = [];
  for (let seq = 0; seq < PER_CONVERSATION; seq++) {
    const model = seq === 0 ? undefined : MODELS[seq % 2];
    records.push(
      chainRecord(header, records.at(-1), {
        role: seq === 0 ? 'user' : `m${seq % 2}`,
        step: `s${seq}`,
        kind: seq === 0 ? 'question' : 'turn',
        parents: seq === 0 ? [] : [`s${seq - 1}`],
        participant: seq === 0 ? undefined : `m${seq % 2}`,
        content: `What was said in step ${seq} of conversation ${n}, in a sentence of some length. `.repeat(
          3,
        ),
        at: created_at,
        message_id: randomUUID(),
        trace_id: '0'.repeat(32),
        pii_tags: [],
        model,
        usage: model === undefined ? undefined : { input_tokens: (n + seq) % 900, output_tokens: seq % 300 },
        salt: randomBytes(16).toString('base64url'),
        key_id: fresh.key.id,
      } as never),
    );
  }
  const row = {
    id,
    owner,
    mode: 'debate',
    version: 3,
    participants: JSON.stringify(participants),
    models: JSON.stringify(participants.map(({ model }) => model)),
    title: '',
    status: 'completed',
    exchanges: 25,
    settings: JSON.stringify({ max_tokens_per_turn: 512 }),
    trace_id: '0'.repeat(32),
    created_at,
    updated_at: created_at,
    lease_token: '',
    lease_until: '',
    unsealed: committed ? 0 : 1,
    turns: PER_CONVERSATION - 1,
    records: PER_CONVERSATION,
    head: records.at(-1)?.hash ?? '',
    mac: signatureOf(header, records.at(-1), SECRET),
    anchored: committed ? 1 : 0,
    logged: committed ? PER_CONVERSATION : 0,
    key_id: fresh.key.id,
    erased_at: '',
    erased_by: '',
  };
  return { row, records, fresh };
}
