/** Entries of a log as a message of the event bus carries them: a line of JSON, then a bundle (C2SP tlog-tiles). */
import { type CopyBatch, decodeBundle, encodeBundle } from '@mcp/provenance/tlog';
import { z } from 'zod';

/** Entries of a message, and bytes of theirs; one entry alone has at most 64 KiB. */
const MAX_ENTRIES = 1000;
const MAX_BYTES = 512 * 1024;
const LINE_BREAK = 0x0a;

const Head = z.strictObject({
  v: z.literal(1),
  from: z.number().int().min(0),
  entries: z.number().int().min(1).max(MAX_ENTRIES),
  checkpoint: z.string().max(64 * 1024),
});

/** How many entries from one on go into its message, of those that are there. */
export function fitting(entries: readonly Uint8Array[]): number {
  let bytes = 0;
  const over = entries.findIndex((entry) => {
    bytes += entry.length + 2;
    return bytes > MAX_BYTES;
  });
  return over === -1 ? entries.length : Math.max(1, over);
}

export const MOST_ENTRIES = MAX_ENTRIES;

export function encodeBatch({ from, entries, checkpoint }: CopyBatch): Buffer {
  const head: z.infer<typeof Head> = { v: 1, from, entries: entries.length, checkpoint };
  return Buffer.concat([Buffer.from(`${JSON.stringify(head)}\n`), encodeBundle(entries)]);
}

/** Throws an error that says what does not fit. */
export function decodeBatch(bytes: Uint8Array): CopyBatch {
  const split = bytes.indexOf(LINE_BREAK);
  const head = Head.parse(JSON.parse(Buffer.from(bytes.subarray(0, Math.max(split, 0))).toString()));
  return {
    from: head.from,
    entries: decodeBundle(bytes.subarray(split + 1), head.entries),
    checkpoint: head.checkpoint,
  };
}
