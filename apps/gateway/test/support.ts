import { type ChildProcess, spawn } from 'node:child_process';
import { createHash, randomBytes } from 'node:crypto';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { type StartedServices, startServices } from '@mcp/service-kit';
import { freePort, type NatsServer, startNats, testIdentities } from '@mcp/testkit';
import { definition } from '../src/definition.ts';

const BEHIND = ['core', 'model-gateway', 'task-engine', 'governance', 'transparency-log'] as const;

const LOG_URL = 'MCP_TRANSPARENCY_LOG_URL';

export interface Platform {
  readonly url: string;
  /** Where its transparency log is, as variables for a replica. */
  readonly log: Readonly<Record<string, string>>;
  /** Asks as its administrator; with a body, it is a POST. */
  ask(path: string, body?: unknown, headers?: Record<string, string>): Promise<Response>;
  close(): Promise<void>;
}

/** What the replicas of one platform share. */
export interface Shared {
  readonly nats: NatsServer;
  readonly dir: string;
  readonly admin: string;
  /** Keys and identities of the services. */
  readonly identities: Record<string, string>;
  readonly prov_secret: string;
}

/** An event bus and secrets for replicas to share. */
export async function shared(): Promise<Shared> {
  return {
    nats: await startNats(),
    dir: mkdtempSync(join(tmpdir(), 'mcp-platform-')),
    admin: `mcp_${randomBytes(32).toString('base64url')}`,
    identities: testIdentities(),
    prov_secret: randomBytes(32).toString('hex'),
  };
}

export async function forget({ dir, nats }: Shared): Promise<void> {
  rmSync(dir, { recursive: true, force: true });
  await nats.close();
}

/** The real services on the scripted models: in this process, or each in its own. Replicas are given the log of the first, for a log has one writer. */
export async function startPlatform(
  form: 'in one process' | 'apart',
  { nats, dir, admin, identities, prov_secret }: Shared,
  more: Readonly<Record<string, string>> = {},
): Promise<Platform> {
  const behind = BEHIND.filter((name) => name !== 'transparency-log' || more[LOG_URL] === undefined);
  const env: Record<string, string> = {
    MCP_DATA: dir,
    MCP_TRACE_STORE: 'true',
    ...identities,
    PROV_SECRET: prov_secret,
    MCP_LOG_SIGNING_SECRET: prov_secret,
    MCP_KMS_KEY: prov_secret,
    MCP_NATS_URL: nats.url,
    MCP_LOG_LEVEL: 'silent',
    MCP_GATEWAY_PORT: '0',
    MCP_ADMIN_KEY_HASH: createHash('sha256').update(admin).digest('hex'),
    MODEL_BACKENDS: 'scripted',
    ...(form === 'in one process' ? { MCP_IN_PROCESS: behind.join(',') } : {}),
    ...more,
  };
  for (const name of behind) {
    const port = String(await freePort());
    const prefix = `MCP_${name.toUpperCase().replaceAll('-', '_')}`;
    env[`${prefix}_PORT`] = port;
    env[`${prefix}_URL`] = `http://127.0.0.1:${port}`;
  }
  const children: ChildProcess[] = [];
  if (form === 'apart')
    for (const name of behind)
      children.push(
        spawn(process.execPath, [fileURLToPath(new URL(`../../${name}/src/main.ts`, import.meta.url))], {
          env: { ...process.env, ...env },
          stdio: ['ignore', 'ignore', 'inherit'],
        }),
      );
  const services: StartedServices = await startServices(definition, env);
  const url = `http://127.0.0.1:${services.ports.get('gateway')}`;
  return {
    url,
    log: { [LOG_URL]: env[LOG_URL] ?? '' },
    ask: (path, body, headers = {}) =>
      fetch(`${url}${path}`, {
        headers: { authorization: `Bearer ${admin}`, 'content-type': 'application/json', ...headers },
        ...(body === undefined ? {} : { method: 'POST', body: JSON.stringify(body) }),
      }),
    async close() {
      await services.stop('end of test');
      await Promise.all(
        children.map(async (child) => {
          const gone = new Promise((done) => child.once('exit', done));
          child.kill('SIGTERM');
          await gone;
        }),
      );
    },
  };
}
