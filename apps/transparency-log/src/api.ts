import { PlatformError, type TransparencyLogApi } from '@mcp/contracts';
import { signManifest } from '@mcp/provenance/audit';
import { type Disk, encodeVerifier, firstOf, partOf } from '@mcp/provenance/tlog';
import type { Anchoring } from './anchoring.ts';
import type { KeptCopies } from './copies/kept.ts';
import type { Cosigners } from './cosigners.ts';
import type { LogKeeper } from './keeper.ts';
import type { Peers } from './peers.ts';
import type { Witness } from './witness.ts';

/** Keys that are named at most, the newest; the history has them all. */
const MAX_KEYS = 1000;
const MAX_IDENTITY_KEYS = 100;

interface LogParts {
  readonly keeper: LogKeeper;
  readonly peers: Peers;
  readonly witness: Witness;
  readonly cosigners: Cosigners;
  readonly anchoring: Anchoring;
  readonly copies: KeptCopies;
}

/** What the service answers, of the log that it keeps and of those that it witnesses. */
export function logApi(parts: LogParts): TransparencyLogApi {
  const { keeper, peers, witness, cosigners, anchoring } = parts;
  const checkpoint = () => {
    const { checkpoint: note, published_size: size } = keeper.readable();
    return cosigners.newest?.size === size ? cosigners.newest : { note, size };
  };
  const keys = (most: number) => ({
    log_keys: keeper.keys.verifiers().slice(0, most).map(encodeVerifier),
    log_key_history: keeper.keys.history,
  });
  return {
    append: async ({ entries }) => {
      const indexes = await keeper.append(entries);
      return { indexes, size: keeper.readable().size };
    },
    checkpoint: async () => ({
      note: checkpoint().note,
      size: checkpoint().size,
      ...keys(MAX_KEYS),
      witness_keys: peers.witnesses().map(({ verifier }) => encodeVerifier(verifier)),
    }),
    inclusion: async ({ index, size }) => {
      const log = keeper.readable();
      if (index >= log.size || (size !== undefined && size > log.size))
        throw notThere(size ?? index, log.size);
      if (Math.max(index + 1, size ?? 0) > log.published_size) await keeper.publish();
      const seen = cosigners.newest;
      // What a witness has seen says more than the newest.
      const at = seen !== undefined && index < seen.size && size === undefined ? seen : checkpoint();
      const of = size ?? at.size;
      if (index >= of)
        throw new PlatformError('invalid_request', `Entry ${index} is not among the first ${of}.`, {
          param: 'size',
        });
      const [hashes, root] = await Promise.all([log.inclusion(index, of), log.root(of)]);
      return { index, size: of, root: base64(root), hashes: hashes.map(base64), note: at.note };
    },
    ...readingOf(keeper),
    signAudit: async ({ manifest_sha256 }) => ({
      note: signManifest(manifest_sha256, ...keeper.keys.signers()),
    }),
    changeKeys: (change, { principal }) => keeper.changeKeys(change, principal),
    tile: ({ path }) => tileIn(keeper.disk, path),
    anchors: async () => ({ anchors: anchoring.list() }),
    identity: async () => ({
      origin: keeper.keys.name,
      ...keys(MAX_IDENTITY_KEYS),
      witness_key: encodeVerifier(witness.signer),
    }),
    ...ofOtherLogs(parts),
  };
}

/** What is read of the entries themselves. */
function readingOf(keeper: LogKeeper): Pick<TransparencyLogApi, 'consistency' | 'entry'> {
  return {
    consistency: async ({ from, to }) => {
      const log = keeper.readable();
      if (from > to)
        throw new PlatformError(
          'invalid_request',
          `from is ${from}: it must be at most to, which is ${to}.`,
          {
            param: 'from',
          },
        );
      if (to > log.size) throw notThere(to, log.size);
      return { hashes: (await log.consistency(from, to)).map(base64) };
    },
    entry: async ({ index }) => {
      const log = keeper.readable();
      if (index >= log.size) throw notThere(index, log.size);
      return { index, entry: (await log.entry(index)).toString() };
    },
  };
}

function ofOtherLogs({ witness, copies }: LogParts) {
  return {
    cosign: ({ submission }) => witness.add(submission),
    cosigned: async ({ log }) => ({ note: await witness.checkpoint(log) }),
    copied: async ({ log }) => copies.state(log),
    copiedTile: ({ log, path }) => tileIn(copies.diskOf(log), path),
  } satisfies Partial<TransparencyLogApi>;
}

/** A file of the log, also one whose place a full one has taken. It answers where the log cannot be opened, too. */
async function* tileIn(disk: Disk, path: string): AsyncGenerator<Uint8Array> {
  const part = partOf(path);
  if (part === undefined)
    throw new PlatformError(
      'not_found',
      'There is no such tile: paths read tile/<level>/<index> or tile/entries/<index>, with .p/<width> for a part.',
    );
  // What became full is read from what is full: a part beside it is nobody's any more.
  const full = await disk.read(part.full);
  const bytes =
    full === undefined || path === part.full
      ? (full ?? (await disk.read(path)))
      : firstOf(part.full, full, part.width);
  if (bytes === undefined) throw new PlatformError('not_found', `The log has no ${path} yet.`);
  yield bytes;
}

function base64(hash: Buffer): string {
  return hash.toString('base64');
}

function notThere(asked: number, size: number): PlatformError {
  return new PlatformError('not_found', `The log has ${size} entries: there is no ${asked}.`);
}
