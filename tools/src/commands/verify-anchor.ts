/** `mcp verify --anchor`: whether the transparency log goes on from the checkpoints that were kept of it outside, and a conversation is in what they are over. */
import { type AnchoredName, openPlace } from '@mcp/anchors';
import { LogCheckpoint, ProofBundle, type ProvenEntry } from '@mcp/contracts';
import { followKeys, trustedKeys, type VerifyOptions, verifyBundle } from '@mcp/provenance';
import { type Checkpoint, checkpointBy, LogReader, openProof } from '@mcp/provenance/tlog';
import { CliError, EXIT, messageOf, printable } from '../errors.ts';
import { conversationId, type GatewayClient } from '../gateway.ts';
import { paint } from '../ui.ts';
import { keysGiven, ownKeys } from './trusted-keys.ts';
import { verdictLine } from './verdict-line.ts';
import { readBundle } from './verify-bundle.ts';

/** The newest that are there: the log is compared with so many. */
const MAX_COMPARED = 100;

/** What the log is, compared with an anchor. */
interface AnchorVerdict {
  readonly ok: boolean;
  readonly place: string;
  readonly origin: string;
  /** Entries of the log now, and of the newest checkpoint that is anchored; null: none of this log is. */
  readonly size: number;
  readonly anchored_size: number | null;
  /** Checkpoints there, of how many it was compared with, and texts that the log has not signed. */
  readonly there: number;
  readonly compared: number;
  readonly foreign: number;
  /** Of the conversation that was named: entries that the newest anchored checkpoint is over, and newer ones. */
  readonly entries_anchored: number;
  readonly entries_newer: number;
  /** What contradicts; null: nothing does. */
  readonly reason: string | null;
}

interface AnchorFlags {
  readonly place: string;
  /** The id of a conversation, or a proof bundle; neither: the log alone. */
  readonly log: string | undefined;
  readonly bundle: string | undefined;
  /** By what signatures of conversation logs are checked. */
  readonly options: VerifyOptions;
  /** Keys whose signatures count; none: those that the platform gives. */
  readonly keys: readonly string[];
  readonly json: boolean;
}

/** Checks, prints and sets the exit code. */
export async function checkAnchored(gateway: GatewayClient, flags: AnchorFlags): Promise<void> {
  const { place, log, bundle: path, options, json } = flags;
  const current = await gateway.get('/v1/log', LogCheckpoint);
  const given = keysGiven(flags.keys) ?? trustedKeys([...current.log_keys, ...current.witness_keys]);
  const log_keys = opened(
    () => followKeys(given.log, current.log_key_history),
    `${gateway.url} gave a key history that does not hold`,
  );
  const keys = { ...given, log: log_keys };
  const value = await bundleOf(gateway, { log, path });
  const conversation = value === undefined ? undefined : verifyBundle(value, { ...options, keys });
  const entries = value === undefined || conversation?.ok !== true ? [] : ProofBundle.parse(value).entries;
  const rekor_keys = keysGiven(flags.keys)?.log;
  const anchor = await compared({ place, gateway, note: current.note, keys, entries, rekor_keys });
  const ok = anchor.ok && conversation?.ok !== false;
  if (json) process.stdout.write(`${JSON.stringify({ conversation, anchor }, null, 2)}\n`);
  else {
    const lines = [...(conversation === undefined ? [] : [verdictLine(conversation)]), anchorLine(anchor)];
    const notes = flags.keys.length > 0 ? [] : ownKeys(current.log_keys, 'from the platform');
    process.stdout.write(`${[...lines, ...notes].join('\n')}\n`);
  }
  process.exitCode = ok ? EXIT.ok : EXIT.failed;
}

async function bundleOf(
  gateway: GatewayClient,
  { log, path }: { readonly log: string | undefined; readonly path: string | undefined },
): Promise<unknown> {
  if (path !== undefined) return readBundle(path);
  if (log === undefined) return undefined;
  return await gateway.get(`/v1/conversations/${conversationId(log)}/proof`, ProofBundle);
}

interface Compared {
  readonly place: string;
  readonly gateway: GatewayClient;
  /** The newest checkpoint of the log. */
  readonly note: string;
  readonly keys: ReturnType<typeof trustedKeys>;
  readonly entries: readonly ProvenEntry[];
  /** Keys that were given, whose signatures count for receipts of Rekor; undefined: none was. */
  readonly rekor_keys: Compared['keys']['log'] | undefined;
}

async function compared({
  place,
  gateway,
  note,
  keys,
  entries,
  rekor_keys,
}: Compared): Promise<AnchorVerdict> {
  const checkpoint = opened(
    () => checkpointBy(note, keys.log),
    `${gateway.url} gave a checkpoint that cannot be used`,
  );
  const { origin, size } = checkpoint;
  const anchor = await openPlace(place, { origin, rekor_keys }).catch((error: unknown) => {
    throw new CliError(`${place} cannot be read (${messageOf(error)}).`);
  });
  const found = { size, place: anchor.place, origin, there: 0, compared: 0, foreign: 0 };
  let newest: Checkpoint | undefined;
  const verdict = (reason: string | null, of = { anchored: 0, newer: 0 }): AnchorVerdict => ({
    ok: reason === null,
    ...found,
    anchored_size: newest?.size ?? null,
    entries_anchored: of.anchored,
    entries_newer: of.newer,
    reason,
  });
  try {
    const reader = await LogReader.open({ checkpoint, tile: (path) => gateway.bytes(`/v1/log/${path}`) });
    const names = await anchor.list();
    found.there = names.length;
    for (const name of newestOf(names)) {
      const kept = await anchor.read(name.name);
      const before = kept === undefined ? undefined : ownOf(kept, keys);
      if (before === undefined) found.foreign++;
      else {
        found.compared++;
        if (newest === undefined || before.size > newest.size) newest = before;
        const reason = await reader.contradiction(before);
        if (reason !== undefined) return verdict(`${reason} (${name.name})`);
      }
    }
    if (newest === undefined) return verdict('No checkpoint of this log is there.');
    return await withEntries(entries, { reader, newest, keys, verdict });
  } catch (error) {
    if (error instanceof TypeError) return verdict(error.message);
    throw error instanceof CliError ? error : new CliError(`${place} cannot be read (${messageOf(error)}).`);
  } finally {
    anchor.close();
  }
}

/** Whether the entries of a conversation lie in the anchored tree, or in what has come since. */
async function withEntries(
  entries: readonly ProvenEntry[],
  {
    reader,
    newest,
    keys,
    verdict,
  }: {
    readonly reader: LogReader;
    readonly newest: Checkpoint;
    readonly keys: Compared['keys'];
    readonly verdict: (reason: string | null, of: { anchored: number; newer: number }) => AnchorVerdict;
  },
): Promise<AnchorVerdict> {
  const of = { anchored: 0, newer: 0 };
  for (const { entry, proof } of entries) {
    const bytes = Buffer.from(entry);
    const { index } = openProof(proof, bytes, keys);
    const anchored = index < newest.size;
    if (!(await reader.has(bytes, index, anchored ? newest : reader.checkpoint)))
      return verdict(
        `Entry ${index} of the conversation is not the one in the ${anchored ? 'tree that was anchored' : 'log'}.`,
        of,
      );
    if (anchored) of.anchored++;
    else of.newer++;
  }
  return verdict(null, of);
}

function newestOf(ascending: readonly AnchoredName[]): readonly AnchoredName[] {
  return ascending.slice(-MAX_COMPARED).reverse();
}

/** A checkpoint that the log has signed. */
function ownOf(note: string, { log }: Compared['keys']): Checkpoint | undefined {
  try {
    return checkpointBy(note, log);
  } catch (error) {
    if (error instanceof TypeError) return undefined;
    throw error;
  }
}

function opened<T>(read: () => T, what: string): T {
  try {
    return read();
  } catch (error) {
    throw new CliError(`${what} (${messageOf(error)}).`);
  }
}

function anchorLine(verdict: AnchorVerdict): string {
  const { ok, place, size, anchored_size, there, compared: with_, foreign, reason } = verdict;
  const origin = printable(verdict.origin);
  const strange = foreign === 0 ? '' : `; ${foreign} texts there are none that it has signed`;
  if (!ok)
    return `${paint('red', '✗')} ${origin}, by its anchor ${place}: ${printable(reason ?? 'it does not fit')}${strange}`;
  const { entries_anchored: in_it, entries_newer: newer } = verdict;
  const conversation =
    in_it + newer === 0
      ? ''
      : `\n  of the conversation: ${in_it} entries anchored, ${newer} newer ones in the log`;
  return `${paint('green', '✓')} ${origin}: ${size} entries go on from the ${anchored_size} that were anchored in ${place} (${with_} of ${there} checkpoints compared${strange})${conversation}`;
}
