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
  readonly dispose?: () => void;
}

/** Ends a stream wherever it is: its server's connection is closed, its place given back. */
export async function ended({ rest, dispose }: Opened): Promise<void> {
  dispose?.();
  await rest.return?.();
}

/**
 * The events of a stream that is opened when the first is asked for. No generator: that would cost every event some
 * turns of the queue of promises.
 */
export function opening(open: () => Promise<Opened>): AsyncIterable<ModelEvent> {
  return {
    [Symbol.asyncIterator]() {
      let work: Promise<Opened> | undefined;
      let opened: Opened | undefined;
      let told = 0;
      const next = ({ first, rest, dispose }: Opened): Promise<IteratorResult<ModelEvent>> => {
        const value = first[told++];
        if (value !== undefined) return Promise.resolve({ done: false, value });
        return dispose === undefined ? rest.next() : disposedAtEnd(rest.next(), dispose);
      };
      return {
        next() {
          if (opened !== undefined) return next(opened);
          work ??= open();
          return work.then((stream) => {
            opened = stream;
            return next(stream);
          });
        },
        async return() {
          const stream = await work?.catch(() => undefined);
          if (stream !== undefined) await ended(stream);
          return { done: true, value: undefined };
        },
      };
    },
  };
}

async function disposedAtEnd(
  next: Promise<IteratorResult<ModelEvent>>,
  dispose: () => void,
): Promise<IteratorResult<ModelEvent>> {
  try {
    const result = await next;
    if (result.done === true) dispose();
    return result;
  } catch (error) {
    dispose();
    throw error;
  }
}

/** Reads its first event alone: the stream has been accepted. */
export async function accepted(events: AsyncIterator<ModelEvent>): Promise<Opened> {
  const next = await events.next();
  return { first: next.done === true ? [] : [next.value], rest: events };
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
  return { first, rest: events };
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
