/** Proofs, logs and checkpoints that are not what the routes of trust take: each answer says the rule and what was given. */
import type { ChainVerdict, LogCheckpoint, ProofBundle } from '@mcp/contracts';
import { expect } from 'vitest';
import type { Platform } from './support.ts';

/** What is said of a proof bundle in which the text of each proof is another. */
const PROOFS: readonly [name: string, change: (proof: string) => string, reason: RegExp][] = [
  ['no proof at all', () => '', /A proof begins with the line c2sp\.org\/tlog-proof@v1/],
  ['a cut one', (proof) => proof.slice(0, proof.length / 2), /A proof does not hold: /],
  [
    'another index',
    (proof) => proof.replace(/index \d+/, 'index 999999'),
    /The entry is not number 999999 of/,
  ],
  ['a cut signature', (proof) => `${proof.slice(0, -6)}\n`, /This is no signature line|does not fit/],
  [
    'another size',
    (proof) => proof.replace(/\n(\d+)\n(?=\S{44}\n\n)/, '\n1$1\n'),
    /does not fit: the text was changed/,
  ],
  [
    'a NUL',
    (proof) => proof.replace('\n\n', '\n\n\u0000'),
    /no control characters|not signed|begins with a line/,
  ],
  [
    'signatures without end',
    (proof) => proof + proof.slice(proof.lastIndexOf('\u2014')).repeat(100),
    /at most 100 signatures/,
  ],
];

export async function refusesBadProofs(platform: Platform, conversation: string): Promise<void> {
  const verdictOf = async (body: unknown) => {
    const answer = await platform.ask('/v1/verify', body);
    expect(answer.status).toBe(200);
    return (await answer.json()) as ChainVerdict;
  };
  const proven = async () => platform.ask(`/v1/conversations/${conversation}/proof`);
  await expect.poll(async () => (await proven()).status).toBe(200);
  const bundle = (await (await proven()).json()) as ProofBundle;
  const withProofs = (change: (proof: string) => string) => ({
    ...bundle,
    entries: bundle.entries.map(({ entry, proof }) => ({ entry, proof: change(proof) })),
  });
  expect(await verdictOf(bundle)).toMatchObject({ status: 'ok' });
  // The same signature a second time says nothing more.
  const twice = (proof: string) => proof + proof.slice(proof.lastIndexOf('\u2014'));
  expect(await verdictOf(withProofs(twice))).toMatchObject({ status: 'ok' });
  for (const [name, change, reason] of PROOFS)
    expect({ name, ...(await verdictOf(withProofs(change))) }).toMatchObject({
      name,
      status: 'broken',
      reason: expect.stringMatching(reason),
    });
  const foreign = 'mcp.example/other+deadbeef+AW9uZQ==';
  expect(await verdictOf({ ...bundle, log_keys: [foreign] })).toMatchObject({ status: 'ok' });
  expect(await verdictOf({ ...bundle, entries: [] })).toMatchObject({
    status: 'broken',
    reason: 'No entry proves that record 0 is in the log.',
  });
  await refusesBadRequests(platform, (await (await platform.ask('/v1/log')).json()) as LogCheckpoint);
}

async function refusesBadRequests({ url, ask }: Platform, { note }: LogCheckpoint): Promise<void> {
  const deep = await ask('/v1/verify', JSON.parse(`{"log":${'['.repeat(100)}${']'.repeat(100)}}`));
  expect(deep.status).toBe(400);
  expect(await deep.text()).toContain('nests deeper than 64 levels');
  for (const path of [
    '0/000.p/999',
    '0/1',
    '9/000',
    'entries/%00',
    '..%2fcheckpoint',
    `0/${'x'.repeat(300)}`,
  ]) {
    const answer = await ask(`/v1/log/tile/${path}`);
    expect([path, answer.status]).toEqual([path, expect.toBeOneOf([400, 404])]);
    expect(await answer.json()).toMatchObject({ detail: expect.stringMatching(/tile|log|path/i) });
  }
  const hash = 'A'.repeat(43);
  const submissions: [text: string, reason: RegExp][] = [
    [`old -1\n\n${note}`, /first line is the size of the checkpoint before: old <number>/],
    [`old 99999999999999999\n\n${note}`, /old <number>/],
    [`old 1\n${`${hash}=\n`.repeat(64)}\n${note}`, /proof of consistency has at most 63 hashes/],
    [`old 1\nAAAA\n\n${note}`, /A line of the proof is 32 bytes in base64, not 'AAAA'/],
    [`old 0\n\n${note.slice(0, -20)}`, /ends with an empty line and signatures/],
    [`old 0\n\n${note.replace('\n', '\n\u0007')}`, /no control characters/],
    [`old 0\n\n${note}${note.slice(note.lastIndexOf('\u2014')).repeat(100)}`, /at most 100 signatures/],
  ];
  for (const [body, reason] of submissions) {
    const answer = await fetch(`${url}/v1/witness/add-checkpoint`, { method: 'POST', body });
    expect(await answer.text()).toMatch(reason);
    expect(answer.status).toBe(400);
  }
}
