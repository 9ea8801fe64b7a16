/** Looks into a stream as far as nobody has been told anything: until then another model may still answer. */
import { type CallContext, type ModelEvent, PlatformError } from '@mcp/contracts';
import type { Route } from './route.ts';

/** A stream whose first events have been read. */
export interface Opened {
  readonly first: readonly ModelEvent[];
  readonly rest: AsyncIterator<ModelEvent>;
  /** The server that it comes from, where somebody may have to go on from it. */
  readonly route?: Route | undefined;
  /** Ends what the stream holds beside itself, at its end. */
  dispose(): void;
}

/** Ends a stream wherever it is: its server's connection is closed, its place given back. */
export async function ended({ rest, dispose }: Opened): Promise<void> {
  dispose();
  await rest.return?.();
}

/** Reads its first event alone: the stream has been accepted. */
export async function accepted(events: AsyncIterator<ModelEvent>): Promise<Opened> {
  const next = await events.next();
  return { first: next.done === true ? [] : [next.value], rest: events, dispose() {} };
}

/**
 * Reads until the first word, call or reason to end. Throws `content_filter` where the answer was withheld before
 * anything of it was said and `refusable` says that another model may be asked.
 */
export async function begun(
  events: AsyncIterator<ModelEvent>,
  { refusable }: { readonly refusable: boolean },
): Promise<Opened> {
  const first: ModelEvent[] = [];
  for (let next = await events.next(); next.done !== true; next = await events.next()) {
    const event = next.value;
    first.push(event);
    if (event.type === 'start' || (event.type === 'text' && event.text === '')) continue;
    if (refusable && event.type === 'finish' && event.reason.unified === 'content_filter') {
      await events.return?.();
      throw new PlatformError(
        'content_filter',
        "The model's content filter withheld the answer. Change the messages, or choose another model.",
      );
    }
    break;
  }
  return { first, rest: events, dispose() {} };
}

/** A call that can be ended without the one that it belongs to. */
export function branchOf(call: CallContext): {
  readonly call: CallContext;
  end(): void;
  dispose(): void;
} {
  const controller = new AbortController();
  const leave = () => controller.abort(call.signal.reason);
  if (call.signal.aborted) leave();
  else call.signal.addEventListener('abort', leave, { once: true });
  return {
    call: { ...call, signal: controller.signal },
    end: () =>
      controller.abort(new PlatformError('cancelled', 'Another model had already answered this request.')),
    dispose: () => call.signal.removeEventListener('abort', leave),
  };
}
