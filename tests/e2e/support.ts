import { execFile } from 'node:child_process';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import { ChatEvent, type ServiceName } from '@mcp/contracts';
import { freePort } from '@mcp/testkit';
import { EventSourceParserStream } from 'eventsource-parser/stream';
import OpenAI from 'openai';
import { z } from 'zod';

const MCP = fileURLToPath(new URL('../../tools/src/main.ts', import.meta.url));
const run = promisify(execFile);

const Status = z.object({
  processes: z.array(
    z.object({ service: z.string(), pid: z.number().nullish(), state: z.string(), restarts: z.number() }),
  ),
});

/** What the models of these tests say. A word of `slow` comes every 20 ms. */
export const SCRIPT = [
  {
    id: 'scripted/alpha',
    rules: [
      {
        match: 'weather',
        reply: 'Let me look.',
        tool_call: { name: 'get_weather', arguments: '{"city":"Paris"}' },
      },
      { match: 'json', reply: '{"answer":42}' },
      { match: 'think', reply: 'Done.', reasoning: 'Thinking first.' },
      { reply: 'Alpha says: {last}' },
    ],
  },
  {
    id: 'scripted/beta',
    rules: [{ reply: 'Beta doubts it, because one fact is missing. Therefore the answer changes.' }],
  },
  { id: 'scripted/slow', rules: [{ reply: 'word '.repeat(60).trim(), token_delay_ms: 20 }] },
  { id: 'scripted/endless', rules: [{ reply: 'word '.repeat(5000).trim(), token_delay_ms: 20 }] },
  {
    id: 'scripted/paced',
    rules: [{ reply: Array.from({ length: 64 }, (_, i) => `w${i}`).join(' '), token_delay_ms: 20 }],
  },
  { id: 'scripted/embed', kind: 'embedding' },
];

/** The platform as a user starts it: `mcp start`, each service a process of its own. */
export interface Platform {
  readonly url: string;
  readonly key: string;
  readonly data: string;
  fetch(path: string, init?: RequestInit): Promise<Response>;
  json(path: string, body?: unknown): Promise<unknown>;
  /** The official client, which asks once; with the platform's key unless another is given. */
  openai(key?: string): OpenAI;
  chat(body: object, signal?: AbortSignal): AsyncGenerator<ChatEvent>;
  /** Runs a command of `mcp` on its data directory; its output. Throws when it fails. */
  mcp(...args: string[]): Promise<string>;
  /** Looks a process up; what it returns is kill -9, at once. */
  killer(service: ServiceName | 'nats'): Promise<() => void>;
  /** Waits until every service is ready again. */
  ready(): Promise<void>;
  stop(): Promise<void>;
}

/** Starts a platform on the scripted models, in a directory of its own. */
export async function startPlatform(env: Record<string, string> = {}): Promise<Platform> {
  const data = mkdtempSync(join(tmpdir(), 'mcp-e2e-'));
  const port = await freePort();
  const mcp = async (...args: string[]) =>
    (
      await run(process.execPath, [MCP, ...args, '--data', data], {
        env: { ...process.env, MCP_SCRIPTED_MODELS: JSON.stringify(SCRIPT), ...env },
      })
    ).stdout;
  await mcp('start', '--models', 'scripted', '--port', String(port), '--detach');
  const key = (await mcp('key')).trim();
  const url = `http://127.0.0.1:${port}`;
  const status = async () => Status.parse(JSON.parse(await mcp('status', '--json')));
  const platform: Platform = {
    url,
    key,
    data,
    mcp,
    fetch: (path, init = {}) =>
      fetch(`${url}${path}`, {
        ...init,
        headers: { authorization: `Bearer ${key}`, 'content-type': 'application/json', ...init.headers },
      }),
    async json(path, body) {
      const response = await platform.fetch(
        path,
        body === undefined ? {} : { method: 'POST', body: JSON.stringify(body) },
      );
      const json: unknown = await response.json();
      if (!response.ok) throw new Error(`${path} answered ${response.status}: ${JSON.stringify(json)}`);
      return json;
    },
    openai: (apiKey = key) => new OpenAI({ baseURL: `${url}/v1`, apiKey, maxRetries: 0 }),
    async *chat(body, signal) {
      const response = await platform.fetch('/chat', {
        method: 'POST',
        body: JSON.stringify({ ...body, stream: true }),
        ...(signal === undefined ? {} : { signal }),
      });
      yield* streamOf(response);
    },
    async killer(service) {
      const pid = (await status()).processes.find((one) => one.service === service)?.pid;
      if (pid == null) throw new Error(`${service} does not run`);
      return () => void process.kill(pid, 'SIGKILL');
    },
    async ready() {
      for (const until_ms = Date.now() + 60_000; Date.now() < until_ms; await sleep(100)) {
        const ok = await platform.fetch('/readyz').then(
          (response) => response.ok,
          () => false,
        );
        if (ok && (await status()).processes.every(({ state }) => state === 'ready')) return;
      }
      throw new Error('the platform did not become ready within 60 s');
    },
    async stop() {
      await mcp('stop').catch(() => undefined);
      rmSync(data, { recursive: true, force: true, maxRetries: 5 });
    },
  };
  return platform;
}

/** The events of a streamed answer of /chat. */
export async function* streamOf(response: Response): AsyncGenerator<ChatEvent> {
  if (!response.ok || response.body === null)
    throw new Error(`/chat answered ${response.status}: ${await response.text()}`);
  const events = response.body
    .pipeThrough(new TextDecoderStream())
    .pipeThrough(new EventSourceParserStream());
  for await (const event of events) yield ChatEvent.parse(JSON.parse(event.data));
}
