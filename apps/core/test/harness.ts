import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import {
  type CallContext,
  type ChatEvent,
  type ChatRequest,
  type CoreApi,
  PlatformError,
  type Principal,
} from '@mcp/contracts';
import { createKit, type KitEnv, type ServiceKit } from '@mcp/service-kit';
import { testIdentities } from '@mcp/testkit';
import type { Hono } from 'hono';
import { definition } from '../src/definition.ts';
import { ScriptedModels } from './scripted-models.ts';

export const SECRET = 'a provenance secret for these tests only';
export const ALICE: Principal = { id: 'key:alice', kind: 'key', name: 'alice', scopes: ['chat'] };
export const BOB: Principal = { id: 'key:bob', kind: 'key', name: 'bob', scopes: ['chat'] };
export const ADMIN: Principal = { id: 'key:root', kind: 'key', name: 'root', scopes: ['admin'] };

export interface Core {
  readonly api: CoreApi;
  readonly app: Hono<KitEnv>;
  readonly kit: ServiceKit;
  readonly models: ScriptedModels;
  readonly dir: string;
  /** Stops it in order; the directory stays. */
  stop(): Promise<void>;
}

const running = new Set<Core>();
const dirs: string[] = [];

/** A directory that {@link cleanUp} removes. */
export function tempDir(): string {
  const dir = mkdtempSync(join(tmpdir(), 'mcp-core-'));
  dirs.push(dir);
  return dir;
}

/** A core with its real store and files over scripted models. */
export async function startCore(
  options: { dir?: string; models?: ScriptedModels; env?: Record<string, string> } = {},
): Promise<Core> {
  const dir = options.dir ?? tempDir();
  const models = options.models ?? new ScriptedModels();
  const kit = await createKit(definition.config, {
    manifest: definition.manifest,
    env: coreEnv(dir, options.env),
    local: new Map([['model-gateway', models]]),
    draining: () => false,
  });
  const instance = await definition.create(kit);
  const core: Core = {
    api: instance.api,
    app: instance.app,
    kit,
    models,
    dir,
    async stop() {
      running.delete(core);
      await instance.close();
      await kit.close();
    },
  };
  running.add(core);
  return core;
}

export function coreEnv(dir: string, more: Record<string, string> = {}): Record<string, string> {
  return {
    MCP_DATA: dir,
    ...testIdentities(),
    MCP_LOG_LEVEL: 'silent',
    PROV_SECRET: SECRET,
    ...more,
  };
}

export async function cleanUp(): Promise<void> {
  for (const core of [...running]) await core.stop();
  for (const dir of dirs.splice(0)) rmSync(dir, { recursive: true, force: true });
}

export function callOf(change: Partial<CallContext> = {}): CallContext {
  return {
    request_id: 'r-1',
    traceparent: `00-${'a'.repeat(32)}-${'b'.repeat(16)}-01`,
    deadline_ms: Date.now() + 15_000,
    principal: ALICE,
    class: 'interactive',
    signal: new AbortController().signal,
    ...change,
  };
}

export type EventOf<T extends ChatEvent['type']> = Extract<ChatEvent, { type: T }>;

/** All events of a conversation; `seen` is called with each as it comes. */
export async function chat(
  core: Pick<Core, 'api'>,
  request: ChatRequest,
  options: { call?: CallContext; seen?: (event: ChatEvent) => void } = {},
): Promise<ChatEvent[]> {
  const events: ChatEvent[] = [];
  for await (const event of core.api.chat(request, options.call ?? callOf())) {
    events.push(event);
    options.seen?.(event);
  }
  return events;
}

export function only<T extends ChatEvent['type']>(events: readonly ChatEvent[], type: T): EventOf<T>[] {
  return events.filter((event): event is EventOf<T> => event.type === type);
}

/** The one event of a type. */
export function the<T extends ChatEvent['type']>(events: readonly ChatEvent[], type: T): EventOf<T> {
  const [event, ...more] = only(events, type);
  if (event === undefined || more.length > 0)
    throw new Error(
      `${more.length + (event ? 1 : 0)} × ${type} in ${events.map((one) => one.type).join(' ')}`,
    );
  return event;
}

export function idOf(events: readonly ChatEvent[]): string {
  return the(events, 'start').conversation_id;
}

export function logPath(core: Pick<Core, 'dir'>, id: string): string {
  return join(core.dir, 'logs', 'conversations', `${id}.json`);
}

export function readLog(core: Pick<Core, 'dir'>, id: string): unknown {
  return JSON.parse(readFileSync(logPath(core, id), 'utf8'));
}

/** What a promise or stream is refused with. */
export async function failure(work: Promise<unknown> | AsyncIterable<unknown>): Promise<PlatformError> {
  try {
    if (work instanceof Promise) await work;
    else for await (const _ of work);
  } catch (error) {
    if (error instanceof PlatformError) return error;
    throw error;
  }
  throw new Error('it was not refused');
}
