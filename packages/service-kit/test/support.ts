import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import {
  type CallContext,
  counter,
  defineManifest,
  defineMetrics,
  type Principal,
  type ServiceName,
} from '@mcp/contracts';
import { testIdentities } from '@mcp/testkit';
import type { Hono } from 'hono';
import {
  createKit,
  defineService,
  internalApp,
  type KitEnv,
  type LocalApis,
  type ServiceDefinition,
  type ServiceKit,
} from '../src/index.ts';

const CALLERS = {
  'POST /internal/chat': ['gateway'],
  'GET /internal/prompts': ['gateway'],
  'GET /internal/conversations/:id': ['gateway', 'task-engine'],
} as const;
export const ALICE: Principal = { id: 'key:1', kind: 'key', name: 'alice', scopes: ['chat'] };

export function manifestOf(name: ServiceName) {
  return defineManifest({
    name,
    summary: 'a service for tests',
    port: 9999,
    entry: 'x',
    calls: [],
    speaks_for: 'anyone',
    needs: [],
    bus: { streams: {}, buckets: [] },
    size: { cpu_request: '1', cpu_limit: '1', memory_request: '64Mi', memory_limit: '64Mi' },
    scaling: { on: 'fixed', replicas: 1 },
    slo: { p95_ms: 100, error_ratio: 0.01 },
    drain_s: 5,
  });
}

const dirs: string[] = [];
/** A directory that {@link cleanUp} removes. */
function tempDir(): string {
  const dir = mkdtempSync(join(tmpdir(), 'mcp-kit-'));
  dirs.push(dir);
  return dir;
}
export function cleanUp(): void {
  for (const dir of dirs.splice(0)) rmSync(dir, { recursive: true, force: true });
}

export function env(more: Record<string, string> = {}): NodeJS.ProcessEnv {
  return {
    MCP_DATA: tempDir(),
    ...testIdentities(),
    MCP_LOG_LEVEL: 'silent',
    MCP_CORE_PORT: '0',
    MCP_GATEWAY_PORT: '0',
    ...more,
  };
}

export function kitFor(
  name: ServiceName,
  more: Record<string, string> = {},
  local: LocalApis = new Map(),
): Promise<ServiceKit> {
  return createKit({
    manifest: manifestOf(name),
    env: env(more),
    local,
    draining: () => false,
  });
}

/** A service whose routes a test gives. */
export function serviceOf(
  name: ServiceName,
  routes: (app: Hono<KitEnv>, kit: ServiceKit) => void,
): ServiceDefinition<unknown> {
  return defineService({
    manifest: manifestOf(name),
    async create(kit) {
      const app = internalApp({ kit, checks: {}, callers: CALLERS });
      routes(app, kit);
      return { app, api: {}, close: async () => undefined };
    },
  });
}

export function callOf(change: Partial<CallContext> = {}): CallContext {
  return {
    request_id: 'r-1',
    traceparent: undefined,
    deadline_ms: Date.now() + 30_000,
    principal: ALICE,
    class: 'interactive',
    signal: new AbortController().signal,
    ...change,
  };
}

/** A metric that tests count with. */
export const tokenMetrics = defineMetrics({
  tokens_total: counter('token_io', ['model', 'direction'], {
    unit: 'tokens',
    help: 'Tokens.',
    panels: [{ dashboard: 'models', title: 'Tokens', by: ['model'] }],
  }),
});
