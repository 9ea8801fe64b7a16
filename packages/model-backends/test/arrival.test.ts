import { mkdtempSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { AssetStore } from '@mcp/assets';
import { PlatformError } from '@mcp/contracts';
import { afterAll, expect, it } from 'vitest';
import { createBackends } from '../src/index.ts';
import { backendEnv } from './under-test.ts';

const folder = mkdtempSync(join(tmpdir(), 'mcp-arrival-'));
const broken = join(folder, 'broken.gguf');
const late = join(folder, 'late');
writeFileSync(broken, 'these are no weights');
const [backend] = await createBackends(
  ['embedded'],
  backendEnv.parse({
    MCP_EMBEDDED_MODELS: JSON.stringify([
      { id: 'broken', kind: 'chat', path: broken, max_context: 512 },
      { id: 'late', kind: 'embedding', path: late, max_context: 512 },
    ]),
  }),
);
if (backend === undefined) throw new Error('no backend');

afterAll(async () => {
  await backend.close();
  rmSync(folder, { recursive: true, force: true });
});

const states = async () =>
  Object.fromEntries(
    (await backend.models(AbortSignal.timeout(1000))).map(({ id, status, detail }) => [
      id,
      `${status}: ${detail}`,
    ]),
  );
const embed = () =>
  backend.embed(
    { model: 'late', input: 'a cat' },
    {
      signal: AbortSignal.timeout(10_000),
      deadline_ms: Date.now() + 10_000,
      traceparent: undefined,
    },
  );

it('says from the first moment what its models wait for, and serves them when their weights arrive', async () => {
  expect(await states()).toEqual({
    broken: expect.stringMatching(/^loading: /),
    late: 'downloading: its weights have not arrived yet',
  });
  await expect(embed()).rejects.toThrow(PlatformError);
  await expect(embed()).rejects.toMatchObject({ code: 'unavailable', param: 'model' });

  symlinkSync(new AssetStore().expected('all-minilm-l6-v2'), late);
  expect((await states()).late).toBe('loading: it waits its turn to be loaded');
  await expect.poll(async () => (await states()).late, { timeout: 60_000 }).toMatch(/^ready/);
  expect((await embed()).vectors[0]).toHaveLength(384);
  expect((await states()).broken).toMatch(/^unavailable: its weights cannot be loaded/);
});
