/** The transparency log of a region: what is in it is proven, and nothing in it can be changed unseen. */
import { z } from 'zod';
import { KeyChange, KeyChanged, KeyHistory } from '../conversation/log-keys.ts';
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
  /** How its keys followed each other, each signed by the one before. */
  log_key_history: KeyHistory.optional(),
});
export type LogCheckpoint = z.infer<typeof LogCheckpoint>;

export const LogInclusion = z.object({
  index: z.number().int().min(0),
  /** Entries of the tree that it is proven in. */
  size: z.number().int().min(1),
  root: Hash,
  /** The audit path (RFC 9162, 2.1.3.1), from the sibling of the leaf upwards. */
  hashes: z.array(Hash),
  /**
   * Of the same tree, where no size was asked for: the newest checkpoint that a witness has cosigned, or the newest
   * where the entry is not in that yet.
   */
  note: z.string(),
});
export type LogInclusion = z.infer<typeof LogInclusion>;

/** Who a log and its service as a witness are. */
export const WitnessIdentity = z.object({
  /** The log's name. */
  origin: z.string().min(1).max(200),
  log_keys: z.array(z.string().max(1000)).min(1).max(100),
  /** What it cosigns checkpoints of other logs with (C2SP tlog-cosignature). */
  witness_key: z.string().max(1000),
  /** How the keys of the log followed each other: one that is new counts where the one before signed it. */
  log_key_history: KeyHistory.optional(),
});
export type WitnessIdentity = z.infer<typeof WitnessIdentity>;

/** A place outside the platform where checkpoints of the log are kept, and the newest that is there. */
export const LogAnchor = z.object({
  /** As its metrics have it. */
  name: z.string(),
  kind: z.enum(['file', 's3', 'rekor']),
  place: z.string(),
  every_s: z.number().int().min(1),
  /** Entries of the newest checkpoint there; null: none yet. */
  size: z.number().int().min(0).nullable(),
  /** That checkpoint, a signed note. */
  note: z.string().nullable(),
  /** When the log was last compared with what is there. */
  compared_at: z.iso.datetime().nullable(),
  /** Since when a checkpoint is to be there and is not; 0: it is. */
  overdue_s: z.number().int().min(0),
});
export type LogAnchor = z.infer<typeof LogAnchor>;
export const LogAnchors = z.object({ anchors: z.array(LogAnchor) });
/** The copy that a region keeps of the log of another. */
export const LogCopyState = z.object({
  /** Entries that are on its disk, each verified by a checkpoint of the log. */
  size: z.number().int().min(0),
  /** The log's own checkpoint over them, a signed note; empty while there are none. */
  note: z.string().max(64 * 1024),
  /** Sequence of the last message of entries that came; 0: none has. */
  last_seq: z.number().int().min(0),
});
export type LogCopyState = z.infer<typeof LogCopyState>;

/** A submission to a witness (C2SP tlog-witness): a proof of at most 63 hashes and a checkpoint. */
export const MAX_SUBMISSION_BYTES = 32 * 1024;

/** What a witness answers, word for word. */
const WitnessAnswer = z.object({
  status: z.literal([200, 400, 403, 404, 409, 422]),
  content_type: z.string(),
  body: z.string(),
});
export type WitnessAnswer = z.infer<typeof WitnessAnswer>;

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
  /** Rotates the keys of the log, rolls back or revokes one. For administrators. Throws `conflict`, `not_found`. */
  changeKeys: {
    method: 'POST',
    path: '/internal/keys/change',
    body: KeyChange,
    answers: 'json',
    answer: KeyChanged,
    callers: ['gateway'],
  },
  /** A tile or an entry bundle, by its path of C2SP tlog-tiles: `tile/0/x001/067` or `tile/entries/000.p/12`. */
  tile: {
    method: 'GET',
    path: '/internal/tile',
    query: z.object({ path: z.string().min(1).max(200) }),
    answers: 'bytes',
    callers: ['core', 'gateway', 'governance'],
  },
  /** Where checkpoints are kept outside the platform. */
  anchors: {
    method: 'GET',
    path: '/internal/anchors',
    answers: 'json',
    answer: LogAnchors,
    callers: ['gateway', 'governance'],
  },
  identity: {
    method: 'GET',
    path: '/internal/identity',
    answers: 'json',
    answer: WitnessIdentity,
    callers: ['gateway'],
  },
  /** Cosigns the checkpoint of another log, where it goes on from what was cosigned before. Throws `overloaded`, `unavailable`. */
  cosign: {
    method: 'POST',
    path: '/internal/witness',
    body: z.strictObject({ submission: z.string().max(MAX_SUBMISSION_BYTES) }),
    answers: 'json',
    answer: WitnessAnswer,
    callers: ['gateway'],
  },
  /** The newest checkpoint of another log that was cosigned here, by the SHA-256 of its origin in hex. Throws `not_found`. */
  cosigned: {
    method: 'GET',
    path: '/internal/cosigned',
    query: z.object({ log: z.string().regex(/^[0-9a-f]{64}$/, 'must be a SHA-256 in hex') }),
    answers: 'json',
    answer: z.object({ note: z.string() }),
    callers: ['gateway'],
  },
  /** The copy that is kept here of another log, by the SHA-256 of its origin in hex. Throws `not_found`. */
  copied: {
    method: 'GET',
    path: '/internal/copied',
    query: z.object({ log: z.string().regex(/^[0-9a-f]{64}$/, 'must be a SHA-256 in hex') }),
    answers: 'json',
    answer: LogCopyState,
    callers: ['gateway'],
  },
  /** As `tile`, of the copy that is kept here of another log. */
  copiedTile: {
    method: 'GET',
    path: '/internal/copied-tile',
    query: z.object({
      log: z.string().regex(/^[0-9a-f]{64}$/, 'must be a SHA-256 in hex'),
      path: z.string().min(1).max(200),
    }),
    answers: 'bytes',
    callers: ['gateway'],
  },
});
export type TransparencyLogApi = ApiOf<typeof transparencyLogEndpoints>;
