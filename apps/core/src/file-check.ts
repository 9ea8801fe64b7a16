import type { ChainVerdict } from '@mcp/contracts';
import { headerHash, type LogHeader, sealLog, verifyLog } from '@mcp/provenance';
import type { LogFiles } from './log-files.ts';
import type { Stored } from './store/conversations.ts';

/** How a log file stands to the store: `behind` holds the beginning of it or is missing, `broken` holds something else. */
export interface FileCheck {
  readonly state: 'same' | 'behind' | 'broken';
  readonly verdict: ChainVerdict;
}

/** The header that the records of a stored conversation are chained to. */
export function headerOf({ summary, owner }: Pick<Stored, 'summary' | 'owner'>): LogHeader {
  const { id, created_at, mode, models } = summary;
  return { id, version: 1, created_at, owner, mode, models };
}

/** Checks the file's chain and seal, the store's chain, and that both hold the same records. */
export async function checkFile(files: LogFiles, stored: Stored, secret: string): Promise<FileCheck> {
  const { id } = stored.summary;
  const bad = (state: FileCheck['state'], reason: string, at: number | null): FileCheck => ({
    state,
    verdict: { id, ok: false, records: stored.records.length, broken_at: at, reason, head: null },
  });
  const header = headerOf(stored);
  const store = verifyLog(sealLog(header, stored.records, secret), { secret });
  if (!store.ok)
    return bad('broken', `In the store: ${store.reason ?? 'it does not verify.'}`, store.broken_at);
  const file = await files.read(id).catch(() => 'unreadable');
  if (file === undefined) return bad('behind', 'The log file is missing.', 0);
  const verdict = verifyLog(file, { secret });
  if (!verdict.ok) return { state: 'broken', verdict: { ...verdict, id } };
  if (verdict.head === store.head) return { state: 'same', verdict };
  const then = verdict.records === 0 ? headerHash(header) : stored.records[verdict.records - 1]?.hash;
  return verdict.head === then
    ? bad('behind', 'The log file lacks records that the store has.', verdict.records)
    : bad(
        'broken',
        'The log file and the store hold different records.',
        Math.min(verdict.records, store.records),
      );
}
