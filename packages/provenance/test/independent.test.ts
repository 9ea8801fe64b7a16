import { generateKeyPairSync } from 'node:crypto';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
// Sigstore's verifier of the log Rekor: the same tree, notes and proofs, by others.
import { verifyTLogInclusion } from '@sigstore/verify/dist/tlog/index.js';
import fc from 'fast-check';
import { describe, expect, it, onTestFinished } from 'vitest';
import { encodeProof } from '../src/index.ts';
import { folderDisk, type Signer, signerOf, TransparencyLog } from '../src/tlog/index.ts';
import { openProof } from '../src/tlog/proof.ts';
import { bundleOf, LOG, TRUSTED, WITNESS } from './bundles.ts';
import { drafts, logOf } from './logs.ts';

type Entry = Parameters<typeof verifyTLogInclusion>[0];

/** A proof as Sigstore's verifier takes it, of what its text says. */
function asRekorEntry(proof: string, entry: string): Entry {
  const split = proof.indexOf('\n\n');
  const [, index = '', ...hashes] = proof.slice(0, split).split('\n');
  return {
    logIndex: '0',
    logId: undefined,
    kindVersion: undefined,
    integratedTime: '0',
    inclusionPromise: undefined,
    inclusionProof: {
      logIndex: index.replace('index ', ''),
      treeSize: '0',
      rootHash: Buffer.alloc(0),
      hashes: hashes.map((hash) => Buffer.from(hash, 'base64')),
      checkpoint: { envelope: proof.slice(split + 2) },
    },
    canonicalizedBody: Buffer.from(entry),
  } as unknown as Entry;
}

/** Whether code that is not ours finds that the entry is in the log. */
function othersFind(proof: string, entry: string, { name, key_id, public_key }: Signer): boolean {
  const log = { baseURL: name, logID: key_id, publicKey: public_key, validFor: FOR_EVER };
  try {
    verifyTLogInclusion(asRekorEntry(proof, entry), [log]);
    return true;
  } catch {
    return false;
  }
}
const FOR_EVER = { start: new Date(0), end: new Date(8.64e15) };

function weFind(proof: string, entry: string, signer: Signer): boolean {
  try {
    openProof(proof, Buffer.from(entry), { log: [signer], witnesses: [] });
    return true;
  } catch {
    return false;
  }
}

describe("by Sigstore's verifier, which is not ours", () => {
  it('proof bundles verify, and not once anything of them is another', async () => {
    await fc.assert(
      fc.asyncProperty(drafts, fc.nat(), async (list, closing) => {
        const { bundle } = await bundleOf(logOf(list, 2), closing % (list.length + 1), [LOG, WITNESS]);
        for (const { entry, proof } of bundle.entries) {
          expect(othersFind(proof, entry, LOG)).toBe(true);
          expect(othersFind(proof, `${entry} `, LOG)).toBe(false);
          expect(othersFind(proof, entry, WITNESS)).toBe(false);
          expect(() => openProof(proof, Buffer.from(entry), TRUSTED)).not.toThrow();
        }
      }),
      { numRuns: 20 },
    );
  });

  it('proofs of a log in files verify, and both agree on every changed one', async () => {
    const folder = mkdtempSync(join(tmpdir(), 'tlog-'));
    onTestFinished(() => rmSync(folder, { recursive: true }));
    const signer = signerOf(generateKeyPairSync('ed25519').privateKey, {
      name: 'log.example/files',
      algorithm: 'ed25519',
    });
    const log = await TransparencyLog.open({ disk: folderDisk(folder), signer });
    const textOf = (index: number) => JSON.stringify({ index });
    const size = 700;
    await Promise.all(Array.from({ length: size }, (_, n) => log.append(Buffer.from(textOf(n)))));
    await log.publish();
    const { checkpoint } = log;
    await fc.assert(
      fc.asyncProperty(fc.nat(size - 1), fc.nat(), fc.nat(7), async (index, place, bit) => {
        const hashes = await log.inclusion(index);
        const proof = encodeProof({ index, hashes, checkpoint });
        expect(othersFind(proof, textOf(index), signer)).toBe(true);
        expect(othersFind(proof, textOf((index + 1) % size), signer)).toBe(false);
        const at = place % hashes.length;
        const flipped = hashes.map((hash, n) => (n === at ? flip(hash, place, bit) : hash));
        const given = [
          encodeProof({ index: (index + 1 + place) % size, hashes, checkpoint }),
          encodeProof({ index, hashes: hashes.toSpliced(at, 1), checkpoint }),
          encodeProof({ index, hashes: [...hashes, hashes[at] as Buffer], checkpoint }),
          encodeProof({ index, hashes: flipped, checkpoint }),
        ];
        for (const changed of given)
          expect(weFind(changed, textOf(index), signer)).toBe(othersFind(changed, textOf(index), signer));
      }),
      { numRuns: 100 },
    );
    await log.close();
  });
});

function flip(hash: Buffer, place: number, bit: number): Buffer {
  const changed = Buffer.from(hash);
  changed[place % hash.length] = (changed[place % hash.length] ?? 0) ^ (1 << bit);
  return changed;
}
