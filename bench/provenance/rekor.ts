/** Checkpoints anchored at the real Rekor, version 2 (POSIX), built from its Go module: receipts verified by ours and by Sigstore's own code. */
import { spawn, spawnSync } from 'node:child_process';
import { generateKeyPairSync, randomInt } from 'node:crypto';
import { mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { verifyTLogInclusion } from '@sigstore/verify/dist/tlog/index.js';
import { openAnchor, openPlace } from '../../packages/anchors/src/index.ts';
import {
  decodeVerifier,
  encodeVerifier,
  folderDisk,
  signerOf,
  TransparencyLog,
} from '../../packages/provenance/src/tlog/index.ts';
import { freePort } from '../../packages/testkit/src/index.ts';
import type { Task } from './tamperings.ts';

const MODULE = 'github.com/sigstore/rekor-tiles/v2/cmd/rekor-server/posix';
const VERSION = 'v2.3.0';
const NAME = 'rekor.example';
const ORIGIN = 'log.example/anchored';
const START_MS = 30_000;

export async function anchorAtRekor({ count }: Task) {
  const folder = mkdtempSync(join(tmpdir(), 'mcp-rekor-'));
  const rekor = await startRekor(folder);
  try {
    const receipts = join(folder, 'receipts');
    mkdirSync(receipts);
    const settings = { kind: 'rekor' as const, url: rekor.url, keys: [rekor.key], receipts, every_s: 3600 };
    const { privateKey: rekor_key } = generateKeyPairSync('ec', { namedCurve: 'P-256' });
    const anchor = await openAnchor(settings, { origin: ORIGIN, s3_key: undefined, rekor_key });
    const milliseconds = await anchorAll(folder, count, (note, size) => anchor.keep(note, size));
    const [own = ''] = readdirSync(receipts);
    const texts = readdirSync(join(receipts, own)).map((name) =>
      readFileSync(join(receipts, own, name), 'utf8'),
    );
    const sorted = [...milliseconds].sort((a, b) => a - b);
    return {
      rekor: `rekor-tiles ${VERSION}, POSIX, a checkpoint each second`,
      anchored: texts.length,
      verified_by_ours: await verified(texts, rekor.key),
      verified_by_sigstore: texts.filter((text) => verifiesBySigstore(text, rekor.key)).length,
      changed_refused: texts.length - (await verified(texts.map(changed), rekor.key)),
      median_ms: Math.round(sorted[Math.floor(sorted.length / 2)] ?? 0),
    };
  } finally {
    await rekor.stop();
    rmSync(folder, { recursive: true, force: true });
  }
}

async function anchorAll(
  folder: string,
  count: number,
  keep: (note: string, size: number) => Promise<unknown>,
): Promise<number[]> {
  const signer = signerOf(generateKeyPairSync('ed25519').privateKey, { name: ORIGIN, algorithm: 'ed25519' });
  const log = await TransparencyLog.open({ disk: folderDisk(join(folder, 'log')), signer });
  const milliseconds: number[] = [];
  for (let size = 1; size <= count; size++) {
    await log.append(Buffer.from(`entry ${size}`));
    await log.publish();
    const began_ms = performance.now();
    await keep(log.checkpoint, size);
    milliseconds.push(performance.now() - began_ms);
  }
  await log.close();
  return milliseconds;
}

/** How many of the receipts hold by Rekor's key, as who was given their folder finds. */
async function verified(texts: readonly string[], key: string): Promise<number> {
  const folder = mkdtempSync(join(tmpdir(), 'mcp-receipts-'));
  try {
    for (const [at, text] of texts.entries())
      writeFileSync(join(folder, `${String(at + 1).padStart(16, '0')}.rekor.json`), text);
    const opened = await openPlace(folder, { origin: ORIGIN, rekor_keys: [decodeVerifier(key)] });
    const notes = await Promise.all((await opened.list()).map(({ name }) => opened.read(name)));
    return notes.filter((note) => note !== undefined).length;
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
}

/** One character of what Rekor proves is another: of the entry, of a hash, or of the checkpoint over it. */
function changed(text: string): string {
  const receipt = JSON.parse(text) as {
    checkpoint: string;
    entry: { canonicalizedBody: string; inclusionProof: { checkpoint: { envelope: string } } };
  };
  const { entry } = receipt;
  const { checkpoint } = entry.inclusionProof;
  switch (randomInt(3)) {
    case 0:
      entry.canonicalizedBody = other(entry.canonicalizedBody, 40);
      break;
    case 1:
      receipt.checkpoint = other(receipt.checkpoint, ORIGIN.length + 5);
      break;
    default:
      checkpoint.envelope = other(checkpoint.envelope, NAME.length + 5);
  }
  return JSON.stringify(receipt);
}

function other(text: string, at: number): string {
  return `${text.slice(0, at)}${text[at] === 'A' ? 'B' : 'A'}${text.slice(at + 1)}`;
}

function verifiesBySigstore(text: string, key: string): boolean {
  const { entry } = JSON.parse(text) as {
    entry: Record<string, never> & { inclusionProof: { hashes: string[] } };
  };
  const { name, key_id, public_key } = decodeVerifier(key);
  const log = {
    baseURL: name,
    logID: key_id,
    publicKey: public_key,
    validFor: { start: new Date(0), end: new Date(8.64e15) },
  };
  const { inclusionProof, canonicalizedBody } = entry;
  const hashes = (inclusionProof.hashes ?? []).map((hash) => Buffer.from(hash, 'base64'));
  const read = {
    ...entry,
    // Absent, as JSON has it.
    inclusionPromise: undefined,
    canonicalizedBody: Buffer.from(canonicalizedBody ?? '', 'base64'),
    inclusionProof: { ...inclusionProof, hashes },
  };
  try {
    verifyTLogInclusion(read as never, [log]);
    return true;
  } catch {
    return false;
  }
}

async function startRekor(folder: string) {
  const built = spawnSync('go', ['install', `${MODULE}@${VERSION}`], {
    env: { ...process.env, GOBIN: folder },
    encoding: 'utf8',
  });
  if (built.status !== 0) throw new Error(`Rekor cannot be built: ${built.stderr}`);
  const { privateKey } = generateKeyPairSync('ed25519');
  writeFileSync(join(folder, 'key.pem'), privateKey.export({ type: 'pkcs8', format: 'pem' }));
  mkdirSync(join(folder, 'rekor'));
  const [http, grpc, metrics] = [await freePort(), await freePort(), await freePort()];
  const options = [
    `--http-port=${http}`,
    `--grpc-port=${grpc}`,
    `--http-metrics-port=${metrics}`,
    `--hostname=${NAME}`,
    `--storage-dir=${join(folder, 'rekor')}`,
    `--signer-filepath=${join(folder, 'key.pem')}`,
    '--checkpoint-interval=1s',
  ];
  const child = spawn(join(folder, 'posix'), ['serve', ...options], { stdio: 'ignore' });
  const gone = new Promise<void>((done) => child.once('exit', () => done()));
  const url = `http://127.0.0.1:${http}`;
  for (const until_ms = Date.now() + START_MS; ; await sleep(100)) {
    const up = await fetch(`${url}/healthz`).then(
      ({ ok }) => ok,
      () => false,
    );
    if (up) break;
    if (Date.now() > until_ms || child.exitCode !== null) throw new Error('Rekor does not start.');
  }
  return {
    url,
    key: encodeVerifier(signerOf(privateKey, { name: NAME, algorithm: 'ed25519' })),
    async stop() {
      if (child.exitCode === null && child.kill('SIGTERM')) await gone;
    },
  };
}
