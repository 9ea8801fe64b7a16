import type { ConversationLog, LogRecord, ProofBundle } from '@mcp/contracts';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { signLog, verifyBundle } from '../src/index.ts';
import { encodeVerifier } from '../src/tlog/note.ts';
import { bundleOf, keyPair, LOG, type Proven, TRUSTED, WITNESS } from './bundles.ts';
import { chained, draftOf, drafts, logOf, SECRET } from './logs.ts';

const STRANGER = keyPair(LOG.name);

/** Somebody who holds PROV_SECRET makes the chain anew over other records. */
function remade(log: ConversationLog, change: (messages: LogRecord[]) => void): ConversationLog {
  const { messages, head: _head, mac: _mac, ...header } = log;
  const copy = structuredClone(messages) as LogRecord[];
  change(copy);
  return signLog(header, chained(header, copy), SECRET);
}

/** What is done to a bundle, by somebody who has PROV_SECRET; the record at `i` is meant. */
const CHANGES: Readonly<Record<string, (proven: Proven, i: number) => ProofBundle | Promise<ProofBundle>>> = {
  'a record is changed, the chain made anew and signed': ({ bundle }, i) => ({
    ...bundle,
    log: remade(bundle.log, (messages) => {
      const record = messages[i];
      if (record !== undefined) messages[i] = { ...record, content: `${record.content}!` };
    }),
  }),
  'the end is cut and signed': ({ bundle }) => ({
    ...bundle,
    log: remade(bundle.log, (messages) => messages.pop()),
  }),
  'a record is added and signed': ({ bundle }) => ({
    ...bundle,
    log: remade(bundle.log, (messages) => messages.push(structuredClone(messages[0]) as LogRecord)),
  }),
  'a proof is left out': ({ bundle }) => ({ ...bundle, entries: bundle.entries.slice(1) }),
  'a bit of a proof flips': ({ bundle }, i) => ({
    ...bundle,
    entries: bundle.entries.map(({ entry, proof }, at) => {
      if (at !== 0) return { entry, proof };
      const bytes = Buffer.from(proof);
      // The witness's line is nobody's once its name is another: that is no forgery.
      const place = (i * 7919) % Buffer.byteLength(proof.slice(0, proof.lastIndexOf('\u2014')));
      bytes[place] = (bytes[place] ?? 0) ^ 1;
      return { entry, proof: bytes.toString() };
    }),
  }),
  'an entry of another conversation': async ({ bundle, proofOf }) => ({
    ...bundle,
    entries: [...bundle.entries, await proofOf(0)],
  }),
  'a proof of another entry': async ({ bundle, proofOf }) => ({
    ...bundle,
    entries: bundle.entries.map(({ entry }) => ({ entry, proof: '' })).concat(await proofOf(1)),
  }),
};

describe('a proof bundle', () => {
  it('verifies, with the place in the log and who has witnessed it', async () => {
    await fc.assert(
      fc.asyncProperty(drafts, fc.nat(), async (list, pick) => {
        const log = logOf(list, 2);
        const { bundle } = await bundleOf(log, pick % (list.length + 1));
        expect(
          verifyBundle(JSON.parse(JSON.stringify(bundle)), { secret: SECRET, keys: TRUSTED }),
        ).toMatchObject({
          status: 'ok',
          records: list.length,
          transparency: { origin: LOG.name, size: list.length + 7, witnesses: [WITNESS.name] },
        });
      }),
      { numRuns: 30 },
    );
  });

  it.each(Object.keys(CHANGES))('is found out: %s', async (name) => {
    await fc.assert(
      fc.asyncProperty(drafts, fc.nat(), fc.nat(), async (list, pick, closing) => {
        const proven = await bundleOf(logOf(list, 2), closing % (list.length + 1));
        const changed = await CHANGES[name]?.(proven, pick % list.length);
        const verdict = verifyBundle(changed, { secret: SECRET, keys: TRUSTED });
        expect(verdict).toMatchObject({ ok: false, status: 'broken' });
        expect(verdict.reason).not.toBe('');
      }),
      { numRuns: 40 },
    );
  });

  it('names the record that is not the one in the log', async () => {
    const log = logOf(['one', 'two', 'three'].map(draftOf), 2);
    const { bundle } = await bundleOf(log, 0);
    const other = CHANGES['a record is changed, the chain made anew and signed']?.({ bundle } as Proven, 1);
    expect(verifyBundle(await other, { secret: SECRET, keys: TRUSTED })).toMatchObject({
      broken_at: 1,
      reason: expect.stringContaining('Record 1 is not the one in the transparency log'),
    });
  });

  it('counts no signature but those of the keys that are trusted', async () => {
    const log = logOf([draftOf('one')], 2);
    const { bundle } = await bundleOf(log, 1, [STRANGER]);
    const forged = { ...bundle, log_keys: [encodeVerifier(STRANGER)] };
    expect(verifyBundle(forged, { secret: SECRET, keys: TRUSTED })).toMatchObject({
      status: 'broken',
      reason: expect.stringContaining('is not signed by a key that is known here'),
    });
    expect(verifyBundle(forged, { secret: SECRET, keys: undefined })).toMatchObject({ status: 'ok' });
  });

  it.each([null, 1, 'text', [], {}, { type: 'mcp/proof-bundle@v1' }, { log: 1, entries: [] }])(
    'of another shape is no bundle, and nothing is thrown: %j',
    (value) => {
      expect(verifyBundle(value, { secret: SECRET, keys: TRUSTED })).toMatchObject({
        ok: false,
        status: 'broken',
      });
    },
  );
});
