/** The transparency log of a region: what is in it is proven, and nothing in it can be changed unseen. */
import { z } from 'zod';
import { type ApiOf, defineApi } from './endpoint.ts';

/** Bytes of an entry: as many as the length in a C2SP entry bundle can say. */
const MAX_ENTRY_BYTES = 65_535;
const MAX_ENTRIES = 1000;
/** Entries of one call. */
const MAX_APPEND_BYTES = 1024 * 1024;
/** A batch in JSON, where each character of an entry may be escaped. */
const MAX_APPEND_BODY_BYTES = 2 * MAX_APPEND_BYTES + 64 * 1024;

function bytesOf(text: string): number {
  return Buffer.byteLength(text);
}

/** Entries for the log, in the order in which they become part of it. */
export const AppendEntries = z.strictObject({
  entries: z
    .array(
      z
        .string()
        .min(1)
        .refine((entry) => bytesOf(entry) <= MAX_ENTRY_BYTES, {
          error: `must be at most ${MAX_ENTRY_BYTES} bytes of UTF-8`,
        })
        .refine((entry) => entry.isWellFormed(), { error: 'must be whole characters' }),
    )
    .min(1)
    .max(MAX_ENTRIES)
    .refine((all) => all.reduce((sum, entry) => sum + bytesOf(entry), 0) <= MAX_APPEND_BYTES, {
      error: `must be at most ${MAX_APPEND_BYTES} bytes of UTF-8 together`,
    }),
});
export type AppendEntries = z.infer<typeof AppendEntries>;

/** Where entries are: on the disk of the log. */
const Appended = z.object({
  /** One for each entry, in their order. */
  indexes: z.array(z.number().int().min(0)),
  /** Entries of the log; a checkpoint over them follows within a moment. */
  size: z.number().int().min(0),
});

/** SHA-256 in base64. */
const Hash = z.string().length(44);
const Count = z.coerce.number().int().min(0).max(Number.MAX_SAFE_INTEGER);

export const LogCheckpoint = z.object({
  /** The signed note (C2SP tlog-checkpoint), with the cosignatures of witnesses below the log's own signature. */
  note: z.string(),
  size: z.number().int().min(0),
  /** Keys that the log signs with or has signed with, the newest first, as C2SP signed-note writes them. */
  log_keys: z.array(z.string()).min(1),
  /** Keys of the witnesses that it asks to cosign; none: nobody watches it. */
  witness_keys: z.array(z.string()),
});
export type LogCheckpoint = z.infer<typeof LogCheckpoint>;

export const LogInclusion = z.object({
  index: z.number().int().min(0),
  /** Entries of the tree that it is proven in. */
  size: z.number().int().min(1),
  root: Hash,
  /** The audit path (RFC 9162, 2.1.3.1), from the sibling of the leaf upwards. */
  hashes: z.array(Hash),
  /** The newest checkpoint; of the same tree, where no size was asked for. */
  note: z.string(),
});
export type LogInclusion = z.infer<typeof LogInclusion>;

/** The interface of the transparency log. Whoever may ask it may ask for everything: it has hashes only. */
export const transparencyLogEndpoints = defineApi({
  /**
   * Durable when it answers. Throws `overloaded` when too many entries wait for the disk, `unavailable` when the disk
   * refuses them or the log is read-only; after either, entries may still be in the log.
   */
  append: {
    method: 'POST',
    path: '/internal/entries',
    body: AppendEntries,
    max_body_bytes: MAX_APPEND_BODY_BYTES,
    answers: 'json',
    answer: Appended,
    status: 201,
    callers: ['core'],
  },
  checkpoint: {
    method: 'GET',
    path: '/internal/checkpoint',
    answers: 'json',
    answer: LogCheckpoint,
    callers: ['core', 'gateway', 'governance'],
  },
  /** Of an entry that was just added, it waits for the checkpoint. Throws `not_found` for one that is not there. */
  inclusion: {
    method: 'GET',
    path: '/internal/inclusion',
    query: z.object({ index: Count, size: Count.optional() }),
    answers: 'json',
    answer: LogInclusion,
    callers: ['core', 'gateway'],
  },
  /** That the tree of `from` entries is the beginning of that of `to`. */
  consistency: {
    method: 'GET',
    path: '/internal/consistency',
    query: z.object({ from: Count, to: Count }),
    answers: 'json',
    answer: z.object({ hashes: z.array(Hash) }),
    callers: ['core', 'gateway', 'governance'],
  },
  entry: {
    method: 'GET',
    path: '/internal/entry',
    query: z.object({ index: Count }),
    answers: 'json',
    answer: z.object({ index: z.number().int(), entry: z.string() }),
    callers: ['core', 'gateway'],
  },
  /** Signs the manifest of an audit bundle as the log: a signed note (C2SP signed-note) with its SHA-256. */
  signAudit: {
    method: 'POST',
    path: '/internal/audit-signatures',
    body: z.strictObject({ manifest_sha256: z.string().regex(/^[0-9a-f]{64}$/) }),
    answers: 'json',
    answer: z.object({ note: z.string() }),
    callers: ['governance'],
    idempotent: true,
  },
  /** A tile or an entry bundle, by its path of C2SP tlog-tiles: `tile/0/x001/067` or `tile/entries/000.p/12`. */
  tile: {
    method: 'GET',
    path: '/internal/tile',
    query: z.object({ path: z.string().min(1).max(200) }),
    answers: 'bytes',
    callers: ['core', 'gateway', 'governance'],
  },
});
export type TransparencyLogApi = ApiOf<typeof transparencyLogEndpoints>;
