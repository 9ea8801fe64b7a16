import { generateKeyPairSync } from 'node:crypto';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import {
  type CoreApi,
  type LoggedSession,
  PlatformError,
  Retention,
  type TransparencyLogApi,
} from '@mcp/contracts';
import { encodeEntry, HeldKeys, type KeyRing, recordEntry, sessionEntry } from '@mcp/provenance';
import { decodeAuditBundle, signManifest, verifyAuditBundle } from '@mcp/provenance/audit';
import { encodeVerifier, folderDisk, signerOf, TransparencyLog } from '@mcp/provenance/tlog';
import { createKit, type LocalApis, ownCall } from '@mcp/service-kit';
import { testIdentities } from '@mcp/testkit';
import { expect, it, onTestFinished } from 'vitest';
import { definition } from '../src/definition.ts';

const signer = signerOf(generateKeyPairSync('ed25519').privateKey, {
  name: 'log.example/test',
  algorithm: 'ed25519',
});
const call = ownCall({ service: 'test', timeout_ms: 60_000, scopes: ['admin'] });
const CONVERSATION = '0194f0c2-0000-7000-8000-000000000007';

/** A log in a folder, answering as its service does. */
async function openLog(folder: string) {
  const disk = folderDisk(folder);
  const log = await TransparencyLog.open({ disk, signer });
  const api: Partial<TransparencyLogApi> = {
    async checkpoint() {
      await log.publish();
      const { checkpoint: note, published_size: size } = log;
      return { note, size, log_keys: [encodeVerifier(signer)], witness_keys: [] };
    },
    consistency: async ({ from, to }) => ({
      hashes: (await log.consistency(from, to)).map((hash) => hash.toString('base64')),
    }),
    signAudit: async ({ manifest_sha256 }) => ({ note: signManifest(manifest_sha256, signer) }),
    async *tile({ path }) {
      yield (await disk.read(path)) ?? Buffer.alloc(0);
    },
  };
  return { log, api };
}

let ring: KeyRing | undefined;
const keys = await HeldKeys.open({
  store: {
    read: async () => ring,
    replace: async (made) => {
      ring = made;
      return true;
    },
  },
});
keys.close();

/** A core that keeps files in memory. */
function coreOf(files: string[]): Partial<CoreApi> {
  const infoOf = (file: string) => {
    const { manifest } = decodeAuditBundle(file);
    return { id: manifest.id, created_at: manifest.created_at, bytes: file.length, manifest };
  };
  return {
    async keepAuditBundle({ file }) {
      files.push(file);
      return infoOf(file);
    },
    logKeys: async () => keys.published(),
    retentionReport: async () => ({
      policy: Retention.parse({}),
      holds: 0,
      passes: [],
      statistics: [],
    }),
    listAuditBundles: async () => ({ bundles: files.slice(-1).map(infoOf), next_cursor: null }),
    async *auditBundle(id) {
      const found = files.find((file) => infoOf(file).id === id);
      if (found === undefined) throw new PlatformError('not_found', `There is no ${id}.`);
      yield Buffer.from(found);
    },
  };
}

async function governance(log: Partial<TransparencyLogApi>, files: string[]) {
  const dir = mkdtempSync(join(tmpdir(), 'mcp-audit-'));
  const kit = await createKit({
    manifest: definition.manifest,
    env: { MCP_DATA: dir, ...testIdentities(), MCP_LOG_LEVEL: 'silent' },
    local: new Map<string, object>([
      ['core', coreOf(files)],
      ['transparency-log', log],
    ]) as LocalApis,
    draining: () => false,
  });
  const { api, close } = await definition.create(kit as Parameters<typeof definition.create>[0]);
  onTestFinished(async () => {
    await close();
    await kit.close();
    rmSync(dir, { recursive: true, force: true });
  });
  return api;
}

const hashOf = (n: number) => n.toString(16).padStart(64, '0');
const recordsOf = (count: number) => Array.from({ length: count }, (_, seq) => ({ seq, hash: hashOf(seq) }));

it('makes bundles that follow each other, have each end of a run once, and verify with the key of the log', async () => {
  const folder = mkdtempSync(join(tmpdir(), 'mcp-audit-log-'));
  onTestFinished(() => rmSync(folder, { recursive: true, force: true }));
  const { log, api } = await openLog(folder);
  onTestFinished(() => log.close());
  const files: string[] = [];
  const jobs = await governance(api, files);
  const append = (count: number, from: number) =>
    Promise.all(
      recordsOf(count).flatMap((record, at) => [
        log.append(Buffer.from(encodeEntry(recordEntry(CONVERSATION, record)))),
        log.append(Buffer.from(encodeEntry(sessionEntry(CONVERSATION, recordsOf(from + at + 1))))),
      ]),
    );
  for (const count of [3, 300]) {
    await append(count, 0);
    expect(await jobs.run('audit-bundle', call)).toMatchObject({ ok: true, checked: count, complete: true });
  }
  const [first, second] = files.map((file) => {
    expect(verifyAuditBundle(file, [signer])).toMatchObject({
      ok: true,
      histories: [{ of: 'conversations', keys: 1, revoked: 0, checksum: keys.published().checksum }],
    });
    return decodeAuditBundle(file);
  });
  expect(first?.manifest).toMatchObject({ previous: null, entries: { from: 0, to: 6 } });
  expect(second?.manifest).toMatchObject({
    previous: { id: first?.manifest.id },
    entries: { from: 6, to: 606 },
  });
  const sessions = JSON.parse(second?.bundle.parts.sessions ?? '') as LoggedSession[];
  expect(sessions.map(({ index }) => index)).toEqual(Array.from({ length: 300 }, (_, n) => 7 + 2 * n));
  const reports = JSON.parse(second?.bundle.parts.reports ?? '') as { job: string }[];
  expect(reports).toMatchObject([{ job: 'audit-bundle', ok: true }]);
  expect(JSON.parse(second?.bundle.parts.policies ?? '')).toContainEqual(
    expect.objectContaining({ stack: 'prod', violations: [] }),
  );
  expect(JSON.parse(second?.bundle.parts.sbom ?? '')).toMatchObject({ format: 'CycloneDX 1.6' });
});

it('says that the log was rolled back where it has fewer entries than the bundle before', async () => {
  const folder = mkdtempSync(join(tmpdir(), 'mcp-audit-log-'));
  onTestFinished(() => rmSync(folder, { recursive: true, force: true }));
  const entry = Buffer.from(encodeEntry(recordEntry(CONVERSATION, { seq: 0, hash: hashOf(0) })));
  const files: string[] = [];
  const long = await openLog(join(folder, 'long'));
  await Promise.all([long.log.append(entry), long.log.append(entry)]);
  await (await governance(long.api, files)).run('audit-bundle', call);
  await long.log.close();
  const short = await openLog(join(folder, 'short'));
  await short.log.append(entry);
  const run = await (await governance(short.api, files)).run('audit-bundle', call);
  await short.log.close();
  expect(run).toMatchObject({ ok: false, failures: [{ status: 'broken', id: expect.any(String) }] });
  expect(run.failures[0]?.reason).toContain('has 1 entries, and had 2');
  expect(files).toHaveLength(1);
});
