/** How the conformance suite asks a backend, and reads what it says. */
import {
  type BackendCallOptions,
  type ChatCompletionRequest,
  type ModelBackend,
  type ModelEvent,
  PlatformError,
} from '@mcp/contracts';
import { expect } from 'vitest';
import type { Subject } from '../under-test.ts';

export const callOptions = (signal = new AbortController().signal): BackendCallOptions => ({
  signal,
  deadline_ms: Date.now() + 30_000,
  traceparent: undefined,
});

/** A request for words of a subject's chat model. */
export const asked = (
  { chat }: Pick<Subject, 'chat'>,
  content: string,
  more: Partial<ChatCompletionRequest> = {},
): ChatCompletionRequest => ({
  model: chat,
  messages: [{ role: 'user', content }],
  temperature: 0,
  max_tokens: 24,
  stream: true,
  ...more,
});

export async function eventsOf(events: AsyncIterable<ModelEvent>): Promise<ModelEvent[]> {
  const seen: ModelEvent[] = [];
  for await (const event of events) seen.push(event);
  return seen;
}

export const textOf = (events: readonly ModelEvent[], choice = 0) =>
  events.map((event) => (event.type === 'text' && event.choice === choice ? event.text : '')).join('');

export const finishOf = (events: readonly ModelEvent[]) =>
  events.find((event) => event.type === 'finish')?.reason.unified;

export const usageOf = (events: readonly ModelEvent[]) =>
  events.find((event) => event.type === 'usage')?.usage;

/** The error that work ends with. */
export const errorOf = (work: Promise<unknown>): Promise<PlatformError> =>
  work.then(
    () => {
      throw new Error('there was no error');
    },
    (error: unknown) => {
      if (error instanceof PlatformError) return error;
      throw error;
    },
  );

export const codeOf = async (work: Promise<unknown>) => (await errorOf(work)).code;

/** The deadline of a question passes while its server answers: it ends with that, and leaves the server. */
export async function expectOverdue(
  backend: ModelBackend,
  server: { open(): number; close(): Promise<void> },
): Promise<void> {
  await backend.models(AbortSignal.timeout(5000));
  const reason = new PlatformError('deadline_exceeded', 'too late');
  const left = new AbortController();
  const work = eventsOf(backend.generate(asked({ chat: 'chat' }, 'hi'), callOptions(left.signal)));
  await expect.poll(() => server.open()).toBe(1);
  left.abort(reason);
  await expect(work).rejects.toBe(reason);
  await expect.poll(() => server.open()).toBe(0);
  await backend.close();
  await server.close();
}
