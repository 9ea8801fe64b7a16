import { createHash, generateKeyPairSync } from 'node:crypto';
import { mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { decodeVerifier, encodeVerifier, folderDisk, signerOf, TransparencyLog } from '@mcp/provenance/tlog';
// Sigstore's own verifier of what Rekor answers, beside ours.
import { verifyTLogInclusion } from '@sigstore/verify/dist/tlog/index.js';
import { afterAll, beforeAll, beforeEach, describe, expect, it, onTestFinished } from 'vitest';
import { folderOf } from '../src/anchor.ts';
import { openAnchor, openPlace } from '../src/index.ts';
import { openReceipt } from '../src/rekor.ts';
import { type Rekor, startRekor } from './rekor-double.ts';

const ORIGIN = 'log.example/eu-central';
const { privateKey: rekor_key } = generateKeyPairSync('ec', { namedCurve: 'P-256' });

interface RekorEntry {
  readonly canonicalizedBody: string;
  readonly inclusionProof: { readonly hashes: readonly string[] };
}

let rekor: Rekor;
let note: string;
const folders: string[] = [];
const scratch = () => {
  const dir = mkdtempSync(join(tmpdir(), 'mcp-rekor-'));
  folders.push(dir);
  return dir;
};
beforeAll(async () => {
  rekor = await startRekor(scratch());
  const signer = signerOf(generateKeyPairSync('ed25519').privateKey, { name: ORIGIN, algorithm: 'ed25519' });
  const log = await TransparencyLog.open({ disk: folderDisk(scratch()), signer });
  await log.append(Buffer.from('entry'));
  await log.close();
  note = log.checkpoint;
});
beforeEach(() => {
  rekor.change = (answer) => answer;
});
afterAll(async () => {
  await rekor?.close();
  for (const dir of folders) rmSync(dir, { recursive: true, force: true });
});

async function anchorAt(receipts: string) {
  const settings = { kind: 'rekor' as const, url: rekor.url, keys: [rekor.key], receipts, every_s: 60 };
  const anchor = await openAnchor(settings, { origin: ORIGIN, s3_key: undefined, rekor_key });
  onTestFinished(() => anchor.close());
  return anchor;
}

/** The one receipt in a folder. */
async function receipt() {
  const folder = scratch();
  await (await anchorAt(folder)).keep(note, 1);
  const own = join(folder, folderOf(ORIGIN));
  const path = join(own, readdirSync(own)[0] ?? '');
  return { folder, path, text: readFileSync(path, 'utf8') };
}

describe('a receipt of Rekor', () => {
  it("verifies, by Sigstore's verifier, too, and proves the checkpoint that is in it", async () => {
    const { path, text } = await receipt();
    expect(path).toMatch(/0000000000000001\.rekor\.json$/);
    expect(openReceipt(text, () => [decodeVerifier(rekor.key)])).toMatchObject({
      note,
      rekor: 'rekor.example',
    });
    const { entry } = JSON.parse(text) as { entry: RekorEntry };
    const { name, key_id, public_key } = decodeVerifier(rekor.key);
    const { inclusionProof } = entry;
    const canonicalizedBody = Buffer.from(entry.canonicalizedBody, 'base64');
    const hashes = inclusionProof.hashes.map((one) => Buffer.from(one, 'base64'));
    const read = {
      ...entry,
      inclusionPromise: undefined,
      canonicalizedBody,
      inclusionProof: { ...inclusionProof, hashes },
    };
    const log = {
      baseURL: name,
      logID: key_id,
      publicKey: public_key,
      validFor: { start: new Date(0), end: new Date(8.64e15) },
    };
    expect(() => verifyTLogInclusion(read as never, [log])).not.toThrow();
    const digest = createHash('sha256').update(note).digest('base64');
    expect(canonicalizedBody.toString()).toContain(digest);
  });

  it.each<[string, (text: string) => string, RegExp]>([
    ['another checkpoint', (text) => text.replace('\\n1\\n', '\\n2\\n'), /another text than the checkpoint/],
    ['another place', (text) => text.replace(/"logIndex": "\d+"/, '"logIndex": "77"'), /not number 77 of/],
    [
      'no entry',
      (text) => text.replace('"canonicalizedBody"', '"body"'),
      /not an entry of Rekor: canonicalizedBody/,
    ],
    ['another kind', (text) => changed(text, 'hashedrekord', 'dsse'), /not a hashedrekord 0.0.2: kind/],
    [
      'another signature',
      (text) => changed(text, '"content":"ME', '"content":"MF'),
      /The signature in the entry of Rekor does not fit/,
    ],
    [
      'a checkpoint of Rekor by another key',
      (text) => text.replace('rekor.example\\n', 'rekor.examplf\\n'),
      /does not fit|not signed by a key/,
    ],
    ['nonsense', () => '{"type":"mcp/rekor-receipt@v1"}', /not a receipt of Rekor: checkpoint/],
    ['nothing', () => '', /not a receipt of Rekor/],
  ])('with %s is refused', async (_, change, reason) => {
    const { text, path, folder } = await receipt();
    const other = change(text);
    expect(other).not.toBe(text);
    expect(() => openReceipt(other, () => [decodeVerifier(rekor.key)])).toThrow(reason);
    rmSync(path);
    writeFileSync(path, other);
    const anchor = await anchorAt(folder);
    expect(await anchor.read('0000000000000001.rekor.json')).toBeUndefined();
    expect(await anchor.keep(note, 1)).toEqual(['']);
    expect(await anchor.read('0000000000000001-1.rekor.json')).toBe(note);
  });

  it('is read by who was given its place, with the key of Rekor or by the one in it', async () => {
    const { folder, path } = await receipt();
    const read = async (place: string, key?: string) => {
      const rekor_keys = key === undefined ? undefined : [decodeVerifier(key)];
      const opened = await openPlace(place, { origin: ORIGIN, rekor_keys });
      return Promise.all((await opened.list()).map(({ name }) => opened.read(name)));
    };
    const other = signerOf(generateKeyPairSync('ed25519').privateKey, {
      name: 'rekor.example',
      algorithm: 'ed25519',
    });
    for (const place of [folder, path]) {
      expect(await read(place), place).toEqual([note]);
      expect(await read(place, rekor.key), place).toEqual([note]);
      expect(await read(place, encodeVerifier(other)), place).toEqual([undefined]);
    }
  });
});

describe('a Rekor', () => {
  it.each<[string, Rekor['change'], RegExp]>([
    ['that fails', () => ({ status: 503, body: 'down' }), /answers 503: down/],
    ['that refuses', () => ({ status: 400, body: '{"message":"no"}' }), /answers 400/],
    ['that answers nonsense', () => ({ status: 201, body: '<html>' }), /not an entry of Rekor/],
    [
      'that answers without end',
      () => ({ status: 201, body: ' '.repeat(200_000) }),
      /answers more than 131072 bytes/,
    ],
    [
      'that proves another entry',
      ({ status, body }) => ({
        status,
        body: body
          .replace(/"hashes":\[[^\]]*\]/, '"hashes":[]')
          .replace(/"logIndex":"\d+"/, '"logIndex":"0"'),
      }),
      /is not number 0 of the|of another text/,
    ],
  ])('%s gives no receipt', async (_, change, reason) => {
    const folder = scratch();
    const anchor = await anchorAt(folder);
    await anchor.keep(note, 1);
    rekor.change = change;
    await expect(anchor.keep(`${note}x`, 2)).rejects.toThrow(reason);
    expect(await anchor.list()).toHaveLength(1);
  });
});

/** A receipt in whose entry one text stands for another. */
function changed(text: string, from: string, to: string): string {
  return text.replace(/"canonicalizedBody": "([^"]+)"/, (_, body: string) => {
    const other = Buffer.from(body, 'base64').toString().replace(from, to);
    return `"canonicalizedBody": "${Buffer.from(other).toString('base64')}"`;
  });
}
