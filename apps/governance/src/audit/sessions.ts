/** Reads the ends of runs from the entries of the transparency log. */
import type { CallContext, LoggedSession, TransparencyLogApi } from '@mcp/contracts';
import { decodeEntry, readBundle } from '@mcp/provenance';
import { TILE_WIDTH } from '@mcp/provenance/tlog';

/** Sessions of one bundle, and how long they are read: the next bundle goes on behind them. */
const MAX_SESSIONS = 50_000;
const READ_MS = 10 * 60_000;

export interface SessionsRead {
  readonly sessions: readonly LoggedSession[];
  /** All entries before this one were read. */
  readonly to: number;
}

export async function readSessions(
  log: Pick<TransparencyLogApi, 'tile'>,
  { from, size }: { readonly from: number; readonly size: number },
  call: CallContext,
): Promise<SessionsRead> {
  const sessions: LoggedSession[] = [];
  const until_ms = Date.now() + READ_MS;
  let at = from;
  while (at < size && sessions.length < MAX_SESSIONS && Date.now() < until_ms) {
    call.signal.throwIfAborted();
    const index = Math.floor(at / TILE_WIDTH);
    const first = index * TILE_WIDTH;
    const width = Math.min(TILE_WIDTH, size - first);
    const entries = await readBundle(log, { index, width }, call);
    for (const [n, bytes] of entries.entries()) {
      const session = first + n < at ? undefined : sessionIn(bytes, first + n);
      if (session !== undefined) sessions.push(session);
    }
    at = first + width;
  }
  return { sessions, to: at };
}

/** Undefined: it is the entry of a record, or none of a conversation, which the check of logs reports. */
function sessionIn(bytes: Buffer, index: number): LoggedSession | undefined {
  try {
    const entry = decodeEntry(bytes.toString());
    return entry.type === 'session'
      ? { index, conversation: entry.conversation, records: entry.records, root: entry.root }
      : undefined;
  } catch {
    return undefined;
  }
}
