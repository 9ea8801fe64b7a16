import type { ChatEvent } from '@mcp/contracts';
import type { EventQueue } from '@mcp/service-kit';

type Unnumbered<E> = E extends ChatEvent ? Omit<E, 'seq'> : never;

/** Sends one event of a conversation; the number is put on here. */
export type Emit = (event: Unnumbered<ChatEvent>) => void;

/** Numbers events from 0 and puts them on the queue. */
export function emitter(queue: EventQueue<ChatEvent>): Emit {
  let seq = 0;
  return (event) => queue.push({ ...event, seq: seq++ } as ChatEvent);
}
