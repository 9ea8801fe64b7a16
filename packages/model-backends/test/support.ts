/** What tests of backends share: how they are called, and what is made of their events and errors. */
import { type ModelBackend, type ModelEvent, PlatformError } from '@mcp/contracts';
import { onTestFinished } from 'vitest';
import type { BackendName } from '../src/registry.ts';
import { make } from './under-test.ts';
import { type Handler, serve } from './upstreams.ts';

export { eventsOf, textOf } from './cases/asking.ts';

export const signal = () => AbortSignal.timeout(15_000);

/** Events without what differs from call to call. */
export const plain = (events: readonly ModelEvent[]) =>
  events.map((event) => {
    if (event.type === 'start') return { type: 'start', model: event.model };
    return event.type === 'tool_call' && event.id !== undefined ? { ...event, id: 'an id' } : event;
  });

/** The error that something ends with; it fails where there is none, or none of ours. */
export async function refusalOf(work: Promise<unknown>): Promise<PlatformError> {
  const error = await work.then(
    (value) => new Error(`no error, but ${JSON.stringify(value)}`),
    (cause: unknown) => cause,
  );
  if (error instanceof PlatformError) return error;
  throw error;
}

/** A backend in front of a server that answers by `handle`; both are closed when the test is over. */
export async function backendOf(
  name: BackendName,
  env: (url: string) => Record<string, string>,
  handle: Handler,
): Promise<ModelBackend> {
  const upstream = await serve(handle);
  const backend = await make(name, env(upstream.url));
  onTestFinished(async () => {
    await backend.close();
    await upstream.close();
  });
  return backend;
}
