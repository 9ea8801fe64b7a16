import type { ChatEvent } from '@mcp/contracts';
import type { EventQueue } from '@mcp/service-kit';
import type { RunWriter } from './event-log.ts';

/**
 * Numbers that are set aside for what is said between two records, more than a turn can have events. So the events of
 * a conversation have rising numbers over all its runs, and those rebuilt from records come after those that were sent.
 */
export const EVENTS_PER_RECORD = 100_000;

type Unnumbered<E> = E extends ChatEvent ? Omit<E, 'seq'> : never;

/** Sends one event of a conversation; the number is put on here. */
export type Emit = (event: Unnumbered<ChatEvent>) => void;

/** Where the events of a run go. */
export interface Outlet {
  readonly emit: Emit;
  /** Once, before the first event: where the numbers begin, and who else is told. */
  begin(first: number, writer: RunWriter): void;
  /** The reader is gone: nothing is kept for it any more. */
  leave(): void;
}

/** Numbers events and puts them on the queue, and into the log that others follow. */
export function outlet(queue: EventQueue<ChatEvent>): Outlet {
  let seq = 0;
  let log: RunWriter | undefined;
  let read = true;
  return {
    begin(first, writer) {
      seq = first;
      log = writer;
    },
    leave() {
      read = false;
    },
    emit(unnumbered) {
      const event = { ...unnumbered, seq: seq++ } as ChatEvent;
      if (read) queue.push(event);
      log?.add(event);
    },
  };
}
