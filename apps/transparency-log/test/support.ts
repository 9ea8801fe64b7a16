/** Services of a transparency log for these tests, each with a folder of its own. */
import { mkdtempSync, rmSync } from 'node:fs';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { text as textOf } from 'node:stream/consumers';
import type { TransparencyLogApi } from '@mcp/contracts';
import { createKit, ownCall } from '@mcp/service-kit';
import { testIdentities } from '@mcp/testkit';
import { onTestFinished } from 'vitest';
import { definition } from '../src/definition.ts';

export const call = () => ownCall({ service: 'test', timeout_ms: 60_000, scopes: [] });

const ADMIN = { id: 'key:admin', kind: 'key', name: 'an administrator', scopes: ['admin'] } as const;
export const asAdmin = () => ({ ...call(), principal: { ...ADMIN, scopes: [...ADMIN.scopes] } });

export function scratch(): string {
  const dir = mkdtempSync(join(tmpdir(), 'mcp-log-'));
  onTestFinished(() => rmSync(dir, { recursive: true, force: true }));
  return dir;
}

/** A region's gateway: what it answers of `/v1/witness`, over HTTP, while there is a log behind it. */
export async function gateway() {
  const behind: { api: TransparencyLogApi | undefined } = { api: undefined };
  const server = createServer(async (request, response) => {
    const path = request.url ?? '';
    const send = (status: number, body: string) => response.writeHead(status).end(body);
    const body = await textOf(request);
    const { api } = behind;
    if (api === undefined) return send(503, 'away');
    try {
      const [, log, part] = /^\/v1\/witness\/([0-9a-f]{64})\/(checkpoint|copy)$/.exec(path) ?? [];
      if (log !== undefined && part === 'copy')
        return send(200, JSON.stringify(await api.copied({ log }, call())));
      if (log !== undefined) return send(200, (await api.cosigned({ log }, call())).note);
      if (path === '/v1/witness') return send(200, JSON.stringify(await api.identity(call())));
      const answer = await api.cosign({ submission: body }, call());
      return send(answer.status, answer.body);
    } catch {
      return send(500, 'failed');
    }
  });
  await new Promise<void>((done) => void server.listen(0, '127.0.0.1', done));
  onTestFinished(() => void server.close());
  const { port } = server.address() as AddressInfo;
  return { behind, url: `http://127.0.0.1:${port}/v1/witness` };
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
