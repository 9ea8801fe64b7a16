/** Proofs and files of a log, verified by the code of Go's checksum database (golang.org/x/mod/sumdb). */
import { spawnSync } from 'node:child_process';
import { generateKeyPairSync } from 'node:crypto';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { encodeProof } from '../../packages/provenance/src/index.ts';
import {
  encodeVerifier,
  folderDisk,
  signerOf,
  TransparencyLog,
} from '../../packages/provenance/src/tlog/index.ts';
import type { Task } from './tamperings.ts';

const PROOFS = 200;

export async function verifyByOthers({ count }: Task) {
  const folder = mkdtempSync(join(tmpdir(), 'mcp-others-'));
  try {
    const signer = signerOf(generateKeyPairSync('ed25519').privateKey, {
      name: 'log.example/others',
      algorithm: 'ed25519',
    });
    const log = await TransparencyLog.open({ disk: folderDisk(join(folder, 'log')), signer });
    const textOf = (n: number) => JSON.stringify({ type: 'entry', n });
    for (let n = 0; n < count; n += 1000)
      await Promise.all(
        Array.from({ length: Math.min(1000, count - n) }, (_, at) => log.append(Buffer.from(textOf(n + at)))),
      );
    await log.publish();
    const { checkpoint } = log;
    const entries = [];
    for (let n = 0; n < PROOFS; n++) {
      const index = Math.floor((n * count) / PROOFS);
      const hashes = await log.inclusion(index);
      entries.push({ entry: textOf(index), proof: encodeProof({ index, hashes, checkpoint }) });
    }
    await log.close();
    const key = encodeVerifier(signer);
    writeFileSync(join(folder, 'bundle.json'), JSON.stringify({ entries, log_keys: [key] }));
    const given = ['-bundle', join(folder, 'bundle.json'), '-log', join(folder, 'log'), '-key', key];
    const { stdout, stderr, status } = spawnSync('go', ['run', './verify', ...given], {
      cwd: import.meta.dirname,
      encoding: 'utf8',
    });
    if (status !== 0) throw new Error(`The verifier in Go found a fault: ${stderr}`);
    return { by: 'golang.org/x/mod/sumdb v0.43.0', ...(JSON.parse(stdout) as object) };
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
}
