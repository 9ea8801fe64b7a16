import { createHash, randomBytes } from 'node:crypto';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { startServices } from '@mcp/service-kit';
import { type NatsServer, startNats, testIdentities } from '@mcp/testkit';
import { definition } from '../src/definition.ts';
import { type DoubleOptions, doubles, type Seen } from './doubles.ts';

export interface Harness {
  readonly url: string;
  readonly port: number;
  /** The bootstrap admin key. */
  readonly admin: string;
  readonly nats: NatsServer;
  readonly seen: Seen;
  readonly options: DoubleOptions;
  /** Makes a key through the API. */
  key(scopes: readonly string[], expires_at?: string): Promise<{ id: string; key: string }>;
  /** Asks with the admin key unless another one is given. */
  ask(path: string, init?: RequestInit & { key?: string }): Promise<Response>;
  close(): Promise<void>;
}

export interface HarnessOptions {
  readonly env?: Readonly<Record<string, string>>;
  readonly limits?: { headers_ms: number; request_ms: number };
  readonly nats?: NatsServer;
  readonly awaitReady?: boolean;
}

/** A gateway on a real port with a real nats-server, and stand-ins for the services behind it. */
export async function startGateway(options: HarnessOptions = {}): Promise<Harness> {
  const nats = options.nats ?? (await startNats());
  const dir = mkdtempSync(join(tmpdir(), 'mcp-gateway-'));
  const admin = `mcp_${randomBytes(32).toString('base64url')}`;
  const { apis, seen, options: behaviour } = doubles();
  const release = async () => {
    if (options.nats === undefined) await nats.close();
    rmSync(dir, { recursive: true, force: true });
  };
  const services = await startServices(
    definition,
    {
      MCP_DATA: dir,
      ...testIdentities(),
      MCP_NATS_URL: nats.url,
      MCP_LOG_LEVEL: 'silent',
      MCP_GATEWAY_PORT: '0',
      MCP_TRACE_STORE: 'true',
      MCP_ADMIN_KEY_HASH: createHash('sha256').update(admin).digest('hex'),
      ...options.env,
    },
    { local: apis, ...(options.limits === undefined ? {} : { limits: options.limits }) },
  ).catch(async (error: unknown) => {
    // One that is refused leaves nothing running.
    await release();
    throw error;
  });
  const port = services.ports.get('gateway') ?? 0;
  const url = `http://127.0.0.1:${port}`;
  const ask: Harness['ask'] = (path, init = {}) => {
    const headers = new Headers(init.headers);
    if (!headers.has('authorization')) headers.set('authorization', `Bearer ${init.key ?? admin}`);
    if (init.body !== undefined && !headers.has('content-type'))
      headers.set('content-type', 'application/json');
    return fetch(`${url}${path}`, { ...init, headers });
  };
  if (options.awaitReady !== false) await ready(url);
  return {
    url,
    port,
    admin,
    nats,
    seen,
    options: behaviour,
    ask,
    async key(scopes, expires_at) {
      const answer = await ask('/admin/keys', {
        method: 'POST',
        body: JSON.stringify({ name: 'test', scopes, ...(expires_at === undefined ? {} : { expires_at }) }),
      });
      const made: { key: string; record: { id: string } } = JSON.parse(await answer.text());
      return { id: made.record.id, key: made.key };
    },
    async close() {
      await services.stop('end of test');
      await release();
    },
  };
}

async function ready(url: string): Promise<void> {
  for (const until_ms = Date.now() + 60_000; Date.now() < until_ms; ) {
    if ((await fetch(`${url}/readyz`)).ok) return;
    await new Promise((done) => setTimeout(done, 20));
  }
  throw new Error('the gateway did not become ready');
}
