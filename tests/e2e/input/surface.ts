import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { z } from 'zod';
import { type Shipped, startShipped } from '../shipped.ts';

/** The public interface as the stack `local` ships it: six services, an event bus, models that answer by a script. */
export interface Surface {
  readonly shipped: Shipped;
  readonly url: string;
  readonly port: number;
  /** Each with one scope. */
  readonly keys: { readonly chat: string; readonly jobs: string };
  /** The keys that have ended. */
  readonly ended: { readonly revoked: string; readonly expired: string };
  /** What there is: a finished conversation, a finished job, its trace. */
  readonly conversation: string;
  readonly job: string;
  readonly trace: string;
  /** Asks as an administrator, unless other credentials are given. */
  ask(path: string, init?: RequestInit): Promise<Response>;
  newKey(scopes: readonly string[], expires_at?: string): Promise<{ id: string; key: string }>;
  stop(): Promise<void>;
}

export const CHAT_MODEL = 'tiny-chat';
export const EMBEDDING_MODEL = 'tiny-embed';
const MODELS = [
  { id: CHAT_MODEL, rules: [{ reply: 'all is well' }] },
  { id: EMBEDDING_MODEL, kind: 'embedding' },
];

const Made = z.object({ key: z.string(), record: z.object({ id: z.string() }) });
const Id = z.object({ id: z.string() });

export async function startSurface(): Promise<Surface> {
  const console_dir = mkdtempSync(join(tmpdir(), 'mcp-console-'));
  mkdirSync(join(console_dir, 'assets'));
  writeFileSync(join(console_dir, 'index.html'), '<!doctype html>');
  writeFileSync(join(console_dir, 'assets', 'index.js'), 'export {};');
  const shipped = await startShipped({ models: MODELS, operator: { MCP_CONSOLE_DIR: console_dir } });
  const { gateway: url } = shipped.urls;
  const ask: Surface['ask'] = (path, init = {}) => {
    const headers = new Headers(init.headers);
    if (!headers.has('authorization') && !headers.has('x-api-key')) headers.set('x-api-key', shipped.key);
    if (init.body !== undefined && !headers.has('content-type'))
      headers.set('content-type', 'application/json');
    return fetch(`${url}${path}`, { ...init, headers });
  };
  const stop = async () => {
    await shipped.stop();
    rmSync(console_dir, { recursive: true, force: true });
  };
  try {
    await until(async () => (await ask('/readyz')).ok);
    const post = (path: string, body: unknown) => ask(path, { method: 'POST', body: JSON.stringify(body) });
    const newKey: Surface['newKey'] = async (scopes, expires_at) => {
      const made = Made.parse(await (await post('/admin/keys', { name: 'test', scopes, expires_at })).json());
      return { id: made.record.id, key: made.key };
    };
    const revoked = await newKey(['chat']);
    await ask(`/admin/keys/${revoked.id}`, { method: 'DELETE' });
    const expires_ms = Date.now() + 2000;
    const expired = await newKey(['chat'], new Date(expires_ms).toISOString());
    const chat = await post('/chat', { message: 'hi', exchanges: 1 });
    const conversation = Id.parse(await chat.json()).id;
    const job = Id.parse(await (await post('/v1/jobs', { spec: { kind: 'export' } })).json()).id;
    await until(async () => /"completed"/.test(await (await ask(`/v1/jobs/${job}`)).text()));
    await until(() => Promise.resolve(Date.now() > expires_ms));
    return {
      shipped,
      url,
      port: Number(new URL(url).port),
      keys: { chat: (await newKey(['chat'])).key, jobs: (await newKey(['jobs'])).key },
      ended: { revoked: revoked.key, expired: expired.key },
      conversation,
      job,
      trace: chat.headers.get('x-trace-id') ?? '',
      ask,
      newKey,
      stop,
    };
  } catch (error) {
    await stop();
    throw error;
  }
}

async function until(done: () => Promise<boolean>): Promise<void> {
  for (const until_ms = Date.now() + 60_000; Date.now() < until_ms; ) {
    if (await done()) return;
    await new Promise((next) => setTimeout(next, 20));
  }
  throw new Error('not within 60 s');
}
