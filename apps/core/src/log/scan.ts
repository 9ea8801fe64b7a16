/** Reads the transparency log from its beginning: whatever it has of a conversation, the store has to have as well. */
import type { CallContext, ChainVerdict, LogEntry, TransparencyLogApi } from '@mcp/contracts';
import { decodeEntry, entryPlace, readBundle } from '@mcp/provenance';
import { TILE_WIDTH } from '@mcp/provenance/tlog';
import type { LogEntries } from '../store/log-entries.ts';

/** What one batch reads, at most. */
const BUNDLES = 40;

export interface LogScanDeps {
  readonly entries: LogEntries;
  /** Looked up at each call: the log may share this process and start later. */
  log(): TransparencyLogApi;
  call(): CallContext;
}

export interface Scanned {
  /** Where the next batch goes on; null: at the end. */
  readonly next: number | null;
  /** Bundles of entries that were read. */
  readonly bundles: number;
  readonly verdicts: readonly ChainVerdict[];
}

/** Reads one bundle of entries, which `place` in [0, 1) picks. Throws `unavailable` where the log cannot be asked. */
export async function scanPiece(deps: LogScanDeps, place: number): Promise<readonly ChainVerdict[]> {
  const { size } = await deps.log().checkpoint(deps.call());
  if (size === 0) return [];
  const index = Math.floor((place * size) / TILE_WIDTH);
  const width = Math.min(TILE_WIDTH, size - index * TILE_WIDTH);
  return compare(deps, await bundleOf(deps, index, width), index * TILE_WIDTH);
}

/** Reads entries from `from` on. Throws `unavailable` where the log cannot be asked. */
export async function scanLog(deps: LogScanDeps, from: number, until_ms: number): Promise<Scanned> {
  const { size } = await deps.log().checkpoint(deps.call());
  const verdicts: ChainVerdict[] = [];
  let at = from;
  let bundles = 0;
  for (; at < size && bundles < BUNDLES && Date.now() < until_ms; bundles++) {
    const first = Math.floor(at / TILE_WIDTH);
    const width = Math.min(TILE_WIDTH, size - first * TILE_WIDTH);
    const entries = await bundleOf(deps, first, width);
    verdicts.push(...(await compare(deps, entries, first * TILE_WIDTH)));
    at = first * TILE_WIDTH + width;
  }
  return { next: at < size ? at : null, bundles, verdicts };
}

function bundleOf(deps: LogScanDeps, index: number, width: number): Promise<Buffer[]> {
  return readBundle(deps.log(), { index, width }, deps.call());
}

interface Read {
  readonly text: string;
  readonly index: number;
  /** Undefined: it is none of a conversation. */
  readonly entry: LogEntry | undefined;
}

function read(bytes: Buffer, index: number): Read {
  const text = bytes.toString();
  try {
    return { text, index, entry: decodeEntry(text) };
  } catch {
    return { text, index, entry: undefined };
  }
}

async function compare(deps: LogScanDeps, bundle: readonly Buffer[], first: number): Promise<ChainVerdict[]> {
  const entries = bundle.map((bytes, at) => read(bytes, first + at));
  const places = entries.flatMap(({ entry }) => (entry === undefined ? [] : [entryPlace(entry)]));
  const rows = await deps.entries.known(places);
  const known = new Map(rows.map((row) => [keyOf(row), row.entry]));
  return entries.flatMap(({ text, index, entry }) => {
    if (entry === undefined) return [foreign(index)];
    const there = known.get(keyOf(entryPlace(entry)));
    return there === text ? [] : [differs(entry, index, there === undefined)];
  });
}

function keyOf({ conversation_id, type, seq }: ReturnType<typeof entryPlace>): string {
  return `${conversation_id} ${type} ${seq}`;
}

function foreign(index: number): ChainVerdict {
  return broken(index, {
    records: 0,
    broken_at: null,
    reason: `Entry ${index} of the transparency log is none that this platform writes.`,
  });
}

function differs(entry: LogEntry, index: number, gone: boolean): ChainVerdict {
  const { conversation_id, seq } = entryPlace(entry);
  const what = entry.type === 'record' ? `record ${seq}` : `the end of a run with ${seq} records`;
  const last = entry.type === 'record' ? seq : seq - 1;
  return broken(index, {
    records: 0,
    conversation_id,
    broken_at: last,
    reason: gone
      ? `The transparency log has ${what} of the conversation ${conversation_id} (entry ${index}), and the store does not: it was removed, or an earlier state was put back.`
      : `The transparency log has another ${what} of the conversation ${conversation_id} (entry ${index}) than the store: it was rewritten.`,
  });
}

/** A finding of the log itself, by the place of its entry. */
type Found = Pick<ChainVerdict, 'records' | 'conversation_id' | 'broken_at' | 'reason'>;

function broken(index: number, found: Found): ChainVerdict {
  return { id: `${SCANNED}${index}`, ok: false, status: 'broken', head: null, ...found };
}

/** What the ids of findings in the log begin with, before the place of the entry. */
export const SCANNED = 'transparency-log/';
