import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import type { AuditBundle, AuditManifest } from '@mcp/contracts';
import { auditParts, encodeAuditBundle } from '@mcp/provenance/audit';
import { failure } from '@mcp/testkit';
import { afterEach, expect, it } from 'vitest';
import { ADMIN, callOf, cleanUp, startCore } from './harness.ts';

afterEach(cleanUp);

const call = () => callOf({ principal: ADMIN });
const idOf = (n: number) => `0194f0c2-0000-7000-8000-${String(n).padStart(12, '0')}`;

function fileOf(n: number, previous: number | undefined): string {
  const parts: AuditBundle['parts'] = {
    checkpoint: '{}',
    sessions: '[]',
    keys: '{}',
    sbom: 'null',
    policies: '[]',
    retention: 'null',
    reports: '[]',
  };
  const manifest: AuditManifest = {
    type: 'mcp/audit-manifest@v1',
    id: idOf(n),
    created_at: `2026-11-29T05:00:0${n}.000Z`,
    origin: 'log.example/test',
    previous: previous === undefined ? null : { id: idOf(previous), sha256: '0'.repeat(64) },
    entries: { from: n, to: n + 1 },
    parts: auditParts(parts),
  };
  return encodeAuditBundle({
    type: 'mcp/audit-bundle@v1',
    manifest: JSON.stringify(manifest),
    note: '',
    parts,
  });
}

it('keeps audit bundles in their order, byte for byte, for administrators', async () => {
  const core = await startCore();
  const keep = (n: number, previous: number | undefined) =>
    core.api.keepAuditBundle({ file: fileOf(n, previous) }, call());
  await keep(1, undefined);
  await keep(2, 1);
  await keep(3, 2);
  for (const [n, previous] of [
    [4, 2],
    [4, undefined],
    [3, 3],
  ] as const)
    expect(await failure(keep(n, previous))).toMatchObject({ code: 'conflict' });
  const page = await core.api.listAuditBundles({ limit: 2 }, call());
  expect(page.bundles.map(({ id }) => id)).toEqual([idOf(3), idOf(2)]);
  const rest = await core.api.listAuditBundles({ limit: 2, cursor: page.next_cursor ?? '' }, call());
  expect(rest).toMatchObject({ bundles: [{ id: idOf(1) }], next_cursor: null });
  const chunks: Uint8Array[] = [];
  for await (const chunk of core.api.auditBundle(idOf(2), call())) chunks.push(chunk);
  expect(Buffer.concat(chunks).toString()).toBe(fileOf(2, 1));
  expect(readFileSync(join(core.dir, 'audit', `${idOf(2)}.json`), 'utf8')).toBe(fileOf(2, 1));
  const refused = [
    core.api.listAuditBundles({ limit: 1 }, callOf()),
    core.api.keepAuditBundle({ file: fileOf(4, 3) }, callOf()),
    core.api.auditBundle(idOf(2), callOf())[Symbol.asyncIterator]().next(),
  ];
  for (const one of refused) expect(await failure(one)).toMatchObject({ code: 'forbidden' });
  expect(await failure(core.api.keepAuditBundle({ file: '{}' }, call()))).toMatchObject({
    code: 'invalid_request',
  });
});
