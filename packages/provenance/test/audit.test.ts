import { generateKeyPairSync } from 'node:crypto';
import { readFileSync } from 'node:fs';
import type { AuditBundle, AuditManifest } from '@mcp/contracts';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import {
  auditParts,
  encodeAuditBundle,
  sbomOf,
  sha256Of,
  signManifest,
  verifyAuditBundle,
} from '../src/audit/index.ts';
import { HeldKeys, type KeyRing } from '../src/index.ts';
import { checkpointText } from '../src/tlog/checkpoint.ts';
import { encodeNote, encodeVerifier, type Signer, signerOf, signText } from '../src/tlog/note.ts';

const ORIGIN = 'mcp.example/eu-west';
const keyOf = (name = ORIGIN) =>
  signerOf(generateKeyPairSync('ed25519').privateKey, { name, algorithm: 'ed25519' });
const signer = keyOf();

function checkpointBy(key: Signer, size: number): string {
  const text = checkpointText({ origin: ORIGIN, size, root: Buffer.alloc(32, size) });
  return encodeNote({ text, signatures: [signText(text, key, 0)] });
}

interface Change {
  readonly key?: Signer;
  readonly size?: number;
  /** The key histories of the log and of conversations, and what the checkpoint has beside it. */
  readonly log?: unknown;
  readonly conversations?: unknown;
  readonly beside?: unknown;
  readonly previous?: { readonly note: string; readonly hashes: readonly string[] } | null;
}

/** A bundle that is signed well, whatever is in it. */
function bundleOf({ key = signer, size = 7, previous = null, ...histories }: Change = {}): string {
  const {
    log: log_key_history,
    conversations: conversation_key_history,
    beside = log_key_history,
  } = histories;
  const log_keys = [encodeVerifier(key)];
  const checkpoint = {
    note: checkpointBy(key, size),
    size,
    log_keys,
    witness_keys: [],
    previous,
    log_key_history: beside,
  };
  const parts: AuditBundle['parts'] = {
    checkpoint: JSON.stringify(checkpoint),
    sessions: '[]',
    keys: JSON.stringify({ log_keys, log_key_history, conversation_key_history }),
    sbom: 'null',
    policies: '[{"stack":"prod","violations":[]}]',
    retention: 'null',
    reports: '[]',
  };
  const manifest: AuditManifest = {
    type: 'mcp/audit-manifest@v1',
    id: '0194f0c2-0000-7000-8000-000000000001',
    created_at: '2026-11-29T05:00:00.000Z',
    origin: ORIGIN,
    previous: null,
    entries: { from: 0, to: 7 },
    parts: auditParts(parts),
  };
  const text = JSON.stringify(manifest);
  const note = signManifest(sha256Of(text), key);
  return encodeAuditBundle({ type: 'mcp/audit-bundle@v1', manifest: text, note, parts });
}

const file = bundleOf();
const verify = (text: string) => verifyAuditBundle(text, [signer]);

describe('an audit bundle', () => {
  it('verifies by the key of the log, and by those that it brings', () => {
    expect(verify(file)).toMatchObject({ ok: true, manifest: { origin: ORIGIN } });
    expect(verifyAuditBundle(file, undefined)).toMatchObject({ ok: true });
  });

  it('does not verify with any byte of it another', () => {
    fc.assert(
      fc.property(
        fc.nat(file.length - 1),
        fc.integer({ min: 0x20, max: 0x7e }).map((code) => String.fromCharCode(code)),
        (at, character) => {
          fc.pre(file[at] !== character);
          expect(verify(`${file.slice(0, at)}${character}${file.slice(at + 1)}`).ok).toBe(false);
        },
      ),
      { numRuns: 1500 },
    );
  });

  it.each(['sessions', 'sbom', 'policies', 'reports', 'keys', 'checkpoint'] as const)(
    'names the part %s where a word of it is another',
    (part) => {
      const bundle = JSON.parse(file) as AuditBundle;
      const changed = { ...bundle, parts: { ...bundle.parts, [part]: `${bundle.parts[part]} ` } };
      expect(verify(encodeAuditBundle(changed))).toMatchObject({ ok: false, place: part });
    },
  );

  it.each([
    ['another manifest', (one: AuditBundle) => ({ ...one, manifest: `${one.manifest} ` }), 'signature'],
    [
      'another note',
      (one: AuditBundle) => ({ ...one, note: signManifest('0'.repeat(64), signer) }),
      'signature',
    ],
    ['a part that is missing', (one: AuditBundle) => ({ ...one, parts: {} }), 'file'],
    ['a field that was added', (one: AuditBundle) => ({ ...one, also: 1 }), 'file'],
  ])('refuses %s', (_what, change, place) => {
    const changed = `${JSON.stringify(change(JSON.parse(file) as AuditBundle), null, 1)}\n`;
    expect(verify(changed)).toMatchObject({ ok: false, place });
  });

  it('refuses what another key signed, also one of the same name', () => {
    expect(verify(bundleOf({ key: keyOf() }))).toMatchObject({ ok: false, place: 'signature' });
    expect(verify(bundleOf({ key: keyOf('mcp.example/other') }))).toMatchObject({ ok: false });
    expect(verifyAuditBundle('{"type":"mcp/audit-bundle@v1"}', undefined)).toMatchObject({ place: 'file' });
  });

  it('refuses a log that is shorter than what it is about, or does not go on from the one before', () => {
    expect(verify(bundleOf({ size: 6 }))).toMatchObject({ ok: false, place: 'checkpoint' });
    const previous = { note: checkpointBy(signer, 5), hashes: [] };
    expect(verify(bundleOf({ previous }))).toMatchObject({
      ok: false,
      place: 'checkpoint',
      reason: expect.stringContaining('does not go on from the 5'),
    });
  });
});

/** Keys that were rotated once; the first is that of the log. */
async function rotated() {
  let ring: KeyRing | undefined;
  const held = await HeldKeys.open({
    first: signer.private_key,
    store: {
      read: async () => ring,
      replace: async (made) => {
        ring = made;
        return true;
      },
    },
  });
  held.close();
  await held.change({ change: 'rotate', dry_run: false });
  const key = signerOf(held.signer.private_key, { name: ORIGIN, algorithm: 'ed25519' });
  return { key, history: held.published().history };
}

describe('key histories in an audit bundle', () => {
  it('are followed: who trusts the first key of the log verifies what a later one signed', async () => {
    const { key, history } = await rotated();
    expect(verify(bundleOf({ key }))).toMatchObject({ ok: false, place: 'signature' });
    expect(verify(bundleOf({ key, log: history, conversations: history }))).toMatchObject({
      ok: true,
      histories: [
        { of: 'conversations', keys: 2, revoked: 0 },
        { of: 'transparency log', keys: 2, revoked: 0 },
      ],
    });
  });

  it('are named where one does not hold, or is another than beside the checkpoint', async () => {
    const { key, history } = await rotated();
    const cut = { ...history, keys: history.keys.slice(1) };
    for (const conversations of [cut, {}, 'none', null])
      expect(verify(bundleOf({ key, log: history, conversations }))).toMatchObject({
        place: 'keys',
        reason: expect.stringContaining('The key history of the conversations does not hold'),
      });
    expect(verify(bundleOf({ log: cut, beside: history }))).toMatchObject({ place: 'keys' });
    expect(verify(bundleOf({ beside: history }))).toMatchObject({
      place: 'keys',
      reason: expect.stringContaining('another one than that beside the checkpoint'),
    });
    expect(verify(bundleOf({ log: cut, beside: cut }))).toMatchObject({ place: 'checkpoint' });
  });
});

describe('the bill of materials', () => {
  const lock = readFileSync(new URL('../../../package-lock.json', import.meta.url), 'utf8');

  it('has every package that is installed to run, by its digest, and is the same each time', () => {
    const { text, components } = sbomOf(lock);
    const bom = JSON.parse(text) as { components: { purl: string; hashes?: { content: string }[] }[] };
    const named = bom.components.find(({ purl }) => purl.startsWith('pkg:npm/zod@'));
    const own = JSON.parse(lock) as { packages: Record<string, { integrity?: string }> };
    const integrity = own.packages['node_modules/zod']?.integrity?.slice('sha512-'.length) ?? '';
    expect(named?.hashes?.[0]?.content).toBe(Buffer.from(integrity, 'base64').toString('hex'));
    expect(components).toBe(bom.components.length);
    expect(bom.components.map(({ purl }) => purl)).toContainEqual(
      expect.stringMatching(/^pkg:npm\/%40aws-sdk\//),
    );
    expect(bom.components.some(({ purl }) => purl.startsWith('pkg:npm/vitest@'))).toBe(false);
    expect(sbomOf(lock).text).toBe(text);
  });

  it.each(['', '[]', '{"lockfileVersion":1}'])('refuses what is no lock file: %j', (text) => {
    expect(() => sbomOf(text)).toThrow(TypeError);
  });
});
