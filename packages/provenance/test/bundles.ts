/** Proof bundles of logs for these tests: a transparency log in memory, its key and a witness. */
import { generateKeyPairSync } from 'node:crypto';
import type { ConversationLog, ProofBundle } from '@mcp/contracts';
import { encodeEntry, encodeProof, recordEntry, sessionEntry } from '../src/index.ts';
import { checkpointText } from '../src/tlog/checkpoint.ts';
import { inclusionProof, leafHash, rootOver } from '../src/tlog/merkle.ts';
import {
  decodeVerifier,
  encodeNote,
  encodeVerifier,
  type Signer,
  signerOf,
  signText,
} from '../src/tlog/note.ts';
import { nodeOver } from '../src/tlog/tiles.ts';

const NOW_S = 1_700_000_000;

export function keyPair(name: string, algorithm: 'ed25519' | 'cosignature' = 'ed25519'): Signer {
  return signerOf(generateKeyPairSync('ed25519').privateKey, { name, algorithm });
}

export const LOG = keyPair('log.example/eu');
export const WITNESS = keyPair('witness.example/us', 'cosignature');

/** A log of entries, signed: the proof of each. */
async function prove(entries: readonly string[], signers: readonly Signer[]) {
  const leaves = entries.map((entry) => leafHash(Buffer.from(entry)));
  const root = rootOver(leaves);
  const text = checkpointText({ origin: LOG.name, size: entries.length, root });
  const note = encodeNote({ text, signatures: signers.map((signer) => signText(text, signer, NOW_S)) });
  const node = (level: number, index: number) =>
    level === 0 ? (leaves[index] as Buffer) : nodeOver(Buffer.concat(leaves), index * 2 ** level, 2 ** level);
  return async (index: number) => ({
    entry: entries[index] ?? '',
    proof: encodeProof({
      index,
      hashes: await inclusionProof(node, index, entries.length),
      checkpoint: note,
    }),
  });
}

export interface Proven {
  readonly bundle: ProofBundle;
  /** The proof of any entry of the log, by its index. */
  readonly proofOf: (index: number) => Promise<{ entry: string; proof: string }>;
}

/** A log whose first `closed` records are in a session, and the others each by itself, among entries of others. */
export async function bundleOf(
  log: ConversationLog,
  closed: number,
  signers = [LOG, WITNESS],
): Promise<Proven> {
  const others = ['6c0d5a4e-7d0f-4f0e-9d4b-3f5b1b1f8a01', '6c0d5a4e-7d0f-4f0e-9d4b-3f5b1b1f8a02'].map((id) =>
    encodeEntry(recordEntry(id, { seq: 0, hash: 'ab'.repeat(32) })),
  );
  const own = log.messages.map((record) => encodeEntry(recordEntry(log.id, record)));
  const session = encodeEntry(sessionEntry(log.id, log.messages.slice(0, closed)));
  const all = [...others, ...own, ...others, session, ...others];
  const proofOf = await prove(all, signers);
  const behind = log.messages.slice(closed).map(({ seq }) => others.length + seq);
  const needed = closed === 0 ? behind : [2 * others.length + own.length, ...behind];
  return {
    proofOf,
    bundle: {
      type: 'mcp/proof-bundle@v1',
      log,
      entries: await Promise.all(needed.map(proofOf)),
      log_keys: [encodeVerifier(LOG)],
      witness_keys: [encodeVerifier(WITNESS)],
    },
  };
}

export const TRUSTED = {
  log: [decodeVerifier(encodeVerifier(LOG))],
  witnesses: [decodeVerifier(encodeVerifier(WITNESS))],
};
