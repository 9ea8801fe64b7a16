/** Services of a transparency log for these tests, each with a folder of its own. */
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createKit, ownCall } from '@mcp/service-kit';
import { testIdentities } from '@mcp/testkit';
import { onTestFinished } from 'vitest';
import { definition } from '../src/definition.ts';

export const call = () => ownCall({ service: 'test', timeout_ms: 60_000, scopes: [] });

export function scratch(): string {
  const dir = mkdtempSync(join(tmpdir(), 'mcp-log-'));
  onTestFinished(() => rmSync(dir, { recursive: true, force: true }));
  return dir;
}

/** Without an event bus, unless there is one. */
export async function start(
  dir: string,
  nats_url = 'nats://127.0.0.1:9',
  settings: Readonly<Record<string, string>> = {},
) {
  const kit = await createKit({
    manifest: definition.manifest,
    env: {
      MCP_DATA: dir,
      ...testIdentities(),
      MCP_LOG_LEVEL: 'silent',
      MCP_NATS_URL: nats_url,
      MCP_LOG_ORIGIN: 'example.com/test',
      MCP_LOG_SIGNING_SECRET: 'a secret of the transparency log for tests',
      ...settings,
    },
    local: new Map(),
    draining: () => false,
  });
  const instance = await definition.create(kit).catch(async (error: unknown) => {
    await kit.close();
    throw error;
  });
  let open = true;
  const stop = async () => {
    if (!open) return;
    open = false;
    await instance.close();
    await kit.close();
  };
  onTestFinished(stop);
  return { ...instance, kit, stop };
}

export const texts = (from: number, to: number) =>
  Array.from({ length: to - from }, (_, n) => JSON.stringify({ n: from + n }));
