/** The head of a log, by which records that are missing at its end are noticed. */
import { LogRecordV1 } from '@mcp/contracts';
import { z } from 'zod';

/** The head of a log as it is kept outside the store: how many records there were, and the hash of the last. */
export const LogHead = z.object({ records: z.number().int().positive(), head: LogRecordV1.shape.hash });
export type LogHead = z.infer<typeof LogHead>;

interface Records {
  readonly messages: readonly { readonly hash: string }[];
}

/** The head of a log; undefined while it has no records. */
export function headOf({ messages }: Records): LogHead | undefined {
  const last = messages.at(-1);
  return last === undefined ? undefined : { records: messages.length, head: last.hash };
}

/**
 * How a log stands to a head that was taken of it: `same`; `longer`, it goes on from there; `cut`, records that there
 * were are missing at its end; `rewritten`, the record in that place is another one.
 */
export function compareWithHead(
  { messages }: Records,
  kept: LogHead,
): 'same' | 'longer' | 'cut' | 'rewritten' {
  if (messages.length < kept.records) return 'cut';
  if (messages[kept.records - 1]?.hash !== kept.head) return 'rewritten';
  return messages.length === kept.records ? 'same' : 'longer';
}
