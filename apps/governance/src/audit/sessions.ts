/** Reads the ends of runs from the entries of the transparency log. */
import { type CallContext, type LoggedSession, PlatformError, type TransparencyLogApi } from '@mcp/contracts';
import { decodeEntry } from '@mcp/provenance';
import { bundlePath, decodeBundle, TILE_WIDTH } from '@mcp/provenance/tlog';

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
    const first = Math.floor(at / TILE_WIDTH) * TILE_WIDTH;
    const width = Math.min(TILE_WIDTH, size - first);
    const entries = await entriesOf(log, { first, width }, call);
    for (const [n, bytes] of entries.entries()) {
      const session = first + n < at ? undefined : sessionIn(bytes, first + n);
      if (session !== undefined) sessions.push(session);
    }
    at = first + width;
  }
  return { sessions, to: at };
}

async function entriesOf(
  log: Pick<TransparencyLogApi, 'tile'>,
  { first, width }: { readonly first: number; readonly width: number },
  call: CallContext,
): Promise<Buffer[]> {
  const chunks: Uint8Array[] = [];
  for await (const chunk of log.tile({ path: bundlePath(first / TILE_WIDTH, width) }, call))
    chunks.push(chunk);
  try {
    return decodeBundle(Buffer.concat(chunks), width);
  } catch (cause) {
    throw new PlatformError(
      'unavailable',
      `The transparency log gave its entries from ${first} on in a form that cannot be read.`,
      { cause },
    );
  }
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
