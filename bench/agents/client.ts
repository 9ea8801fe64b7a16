/** A platform on the real embedded models, as a user starts it, and how the benchmark talks to it. */
import { execFile } from 'node:child_process';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import { ChatEvent } from '@mcp/contracts';
import { freePort } from '@mcp/testkit';
import { EventSourceParserStream } from 'eventsource-parser/stream';
import OpenAI from 'openai';
import { z } from 'zod';

const MCP = fileURLToPath(new URL('../../tools/src/main.ts', import.meta.url));
const READY_MS = 10 * 60_000;
const run = promisify(execFile);

const Status = z.object({
  processes: z.array(z.object({ service: z.string(), pid: z.number().nullish(), state: z.string() })),
});
const Models = z.object({
  data: z.array(z.object({ id: z.string(), mcp: z.object({ status: z.string() }).optional() })),
});

export interface Running {
  readonly openai: OpenAI;
  json(path: string, body?: unknown): Promise<unknown>;
  chat(body: object): AsyncGenerator<ChatEvent>;
  /** The events of a conversation that was begun elsewhere. */
  follow(conversation_id: string, signal: AbortSignal): AsyncGenerator<ChatEvent>;
  /** kill -9 of the core, at once. */
  killCore(): Promise<() => void>;
  /** Waits until every service is ready again. */
  ready(): Promise<void>;
  stop(): Promise<void>;
}

async function* eventsOf(answer: Response): AsyncGenerator<ChatEvent> {
  if (!answer.ok || answer.body === null)
    throw new Error(`${answer.url} answered ${answer.status}: ${await answer.text()}`);
  const events = answer.body.pipeThrough(new TextDecoderStream()).pipeThrough(new EventSourceParserStream());
  for await (const event of events) yield ChatEvent.parse(JSON.parse(event.data));
}

/** Starts it, and waits until its models are loaded. */
export async function startReal(models: string): Promise<Running> {
  const data = mkdtempSync(join(tmpdir(), 'mcp-bench-agents-'));
  const port = await freePort();
  const mcp = async (...args: string[]) =>
    (await run(process.execPath, [MCP, ...args, '--data', data])).stdout;
  await mcp('start', '--models', models, '--port', String(port), '--detach', '--offline');
  const key = (await mcp('key')).trim();
  const url = `http://127.0.0.1:${port}`;
  const headers = { authorization: `Bearer ${key}`, 'content-type': 'application/json' };
  const status = async () => Status.parse(JSON.parse(await mcp('status', '--json'))).processes;
  const json = async (path: string, body?: unknown): Promise<unknown> => {
    const answer = await fetch(`${url}${path}`, {
      headers,
      ...(body === undefined ? {} : { method: 'POST', body: JSON.stringify(body) }),
    });
    if (!answer.ok) throw new Error(`${path} answered ${answer.status}: ${await answer.text()}`);
    return answer.json();
  };
  const until = async (holds: () => Promise<boolean>, what: string) => {
    for (const until_ms = Date.now() + READY_MS; Date.now() < until_ms; await sleep(1000))
      if (await holds().catch(() => false)) return;
    throw new Error(`${what} within ${READY_MS / 60_000} min`);
  };
  await until(
    async () =>
      Models.parse(await json('/v1/models')).data.every(
        ({ mcp: info }) => info === undefined || info.status === 'ready',
      ),
    'the models were not loaded',
  );
  return {
    openai: new OpenAI({ baseURL: `${url}/v1`, apiKey: key, maxRetries: 0, timeout: READY_MS }),
    json,
    async *chat(body) {
      const asked = JSON.stringify({ ...body, stream: true });
      yield* eventsOf(await fetch(`${url}/chat`, { method: 'POST', headers, body: asked }));
    },
    async *follow(conversation_id, signal) {
      yield* eventsOf(await fetch(`${url}/v1/conversations/${conversation_id}/events`, { headers, signal }));
    },
    async killCore() {
      const pid = (await status()).find(({ service }) => service === 'core')?.pid;
      if (pid == null) throw new Error('the core does not run');
      return () => void process.kill(pid, 'SIGKILL');
    },
    ready: () =>
      until(
        async () => (await status()).every(({ state }) => state === 'ready'),
        'the services were not ready again',
      ),
    async stop() {
      await mcp('stop');
      rmSync(data, { recursive: true, force: true, maxRetries: 5 });
    },
  };
}
