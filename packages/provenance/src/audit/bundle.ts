/** Makes and checks audit bundles: parts, the manifest with their hashes, and the note that the log's key signs. */
import { createHash } from 'node:crypto';
import {
  AuditBundle,
  AuditManifest,
  AuditPartName,
  jsonOf,
  LogCheckpoint,
  nestsDeeper,
} from '@mcp/contracts';
import { z } from 'zod';
import { checksumOf, VerifiedKeys } from '../keys/history.ts';
import { followKeys } from '../keys/log-keys.ts';
import { openCheckpoint } from '../tlog/checkpoint.ts';
import { provesConsistency } from '../tlog/merkle.ts';
import {
  decodeNote,
  decodeVerifier,
  encodeNote,
  type Signer,
  signersOf,
  signText,
  type Verifier,
} from '../tlog/note.ts';

/** The first line of what is signed. No checkpoint has such a second line, so that neither passes for the other. */
const FIRST_LINE = 'mcp/audit-bundle@v1';
/** A file that is larger is not one of ours. */
export const MAX_AUDIT_BUNDLE_BYTES = 64 * 1024 * 1024;
const MAX_LEVELS = 64;

/** The newest checkpoint of the log, and that its tree goes on from that of the bundle before. */
export const AuditCheckpoint = LogCheckpoint.extend({
  previous: z.object({ note: z.string(), hashes: z.array(z.string()) }).nullable(),
});
export type AuditCheckpoint = z.infer<typeof AuditCheckpoint>;

/** Keys in a bundle: how those of the log and those of conversations followed each other. */
const AuditKeys = z.object({
  log_key_history: z.unknown().optional(),
  conversation_key_history: z.unknown().optional(),
});

export function sha256Of(text: string): string {
  return createHash('sha256').update(text).digest('hex');
}

/** Signs the SHA-256 of a manifest as the log, with each of its keys that sign just now. */
export function signManifest(manifest_sha256: string, ...signers: readonly Signer[]): string {
  const text = noteText(manifest_sha256);
  return encodeNote({ text, signatures: signers.map((signer) => signText(text, signer, 0)) });
}

function noteText(manifest_sha256: string): string {
  return `${FIRST_LINE}\nmanifest sha256 ${manifest_sha256}\n`;
}

/** The parts by their hashes, as a manifest lists them. */
export function auditParts(parts: AuditBundle['parts']): AuditManifest['parts'] {
  return AuditPartName.options.map((name) => {
    const text = parts[name];
    return { name, bytes: Buffer.byteLength(text), sha256: sha256Of(text) };
  });
}

/** The file of a bundle: there is one way to write it, so that no byte of it can be another. */
export function encodeAuditBundle({ type, manifest, note, parts }: AuditBundle): string {
  const inOrder = Object.fromEntries(AuditPartName.options.map((name) => [name, parts[name]]));
  return `${JSON.stringify({ type, manifest, note, parts: inOrder }, null, 1)}\n`;
}

/** Reads a bundle and its manifest without checking them. Throws a TypeError that says what does not fit. */
export function decodeAuditBundle(text: string): { bundle: AuditBundle; manifest: AuditManifest } {
  const bundle = AuditBundle.safeParse(jsonIn(text));
  if (!bundle.success) throw new TypeError(`This is not an audit bundle: ${issueOf(bundle.error)}.`);
  const manifest = AuditManifest.safeParse(jsonIn(bundle.data.manifest));
  if (!manifest.success)
    throw new TypeError(`The manifest is none of an audit bundle: ${issueOf(manifest.error)}.`);
  return { bundle: bundle.data, manifest: manifest.data };
}

interface AuditHistory {
  readonly of: 'conversations' | 'transparency log';
  readonly keys: number;
  readonly revoked: number;
  /** SHA-256 of its canonical JSON. */
  readonly checksum: string;
}

/** What of a bundle does not fit: a part by its name, or what holds the parts together. */
type AuditPlace = AuditPartName | 'file' | 'manifest' | 'signature';

export type AuditVerdict =
  | {
      readonly ok: true;
      readonly manifest: AuditManifest;
      readonly signers: readonly string[];
      /** The key histories that it has, verified. */
      readonly histories: readonly AuditHistory[];
    }
  | { readonly ok: false; readonly place: AuditPlace; readonly reason: string };

/**
 * Checks a bundle offline: each part against the manifest, the manifest against the signature, the checkpoint against
 * the log's key. `keys`: whose signatures count; undefined: those that the bundle brings. Never throws.
 */
export function verifyAuditBundle(text: string, keys: readonly Verifier[] | undefined): AuditVerdict {
  const wrong = (place: AuditPlace, reason: string): AuditVerdict => ({ ok: false, place, reason });
  let read: ReturnType<typeof decodeAuditBundle>;
  try {
    read = decodeAuditBundle(text);
  } catch (error) {
    return wrong('file', messageOf(error));
  }
  const { bundle, manifest } = read;
  const part = manifest.parts.find(({ name, bytes, sha256 }) => {
    const given = bundle.parts[name];
    return Buffer.byteLength(given) !== bytes || sha256Of(given) !== sha256;
  });
  if (part !== undefined)
    return wrong(part.name, `The part ${part.name} is not the one whose SHA-256 the manifest has.`);
  if (new Set(manifest.parts.map(({ name }) => name)).size < manifest.parts.length)
    return wrong('manifest', 'The manifest names a part twice.');
  let signers: string[];
  let checkpoint: AuditCheckpoint;
  let trusted: readonly Verifier[];
  try {
    checkpoint = checkpointIn(bundle);
    const given = keys ?? checkpoint.log_keys.map((key) => decodeVerifier(key));
    trusted = followKeys(given, checkpoint.log_key_history);
  } catch (error) {
    return wrong('checkpoint', messageOf(error));
  }
  try {
    signers = signersOfManifest(bundle, manifest, trusted);
  } catch (error) {
    return wrong('signature', messageOf(error));
  }
  try {
    checkCheckpoint(checkpoint, manifest, trusted);
  } catch (error) {
    return wrong('checkpoint', messageOf(error));
  }
  let histories: AuditHistory[];
  try {
    histories = historiesIn(bundle, checkpoint);
  } catch (error) {
    return wrong('keys', messageOf(error));
  }
  if (encodeAuditBundle(bundle) !== text)
    return wrong('file', 'It is not written as bundles are: something was changed around its parts.');
  return { ok: true, manifest, signers, histories };
}

/** Each key is signed by the one before, in both histories. Bundles from before there were histories have none. Throws a TypeError. */
function historiesIn({ parts }: AuditBundle, checkpoint: AuditCheckpoint): AuditHistory[] {
  const said = AuditKeys.safeParse(jsonIn(parts.keys)).data;
  const given = [
    ['conversations', said?.conversation_key_history],
    ['transparency log', said?.log_key_history],
  ] as const;
  const histories = given.flatMap(([of, value]): AuditHistory[] => {
    if (value === undefined) return [];
    try {
      const { history } = VerifiedKeys.of(value);
      const checksum = checksumOf(history);
      return [{ of, keys: history.keys.length, revoked: history.revocations.length, checksum }];
    } catch (error) {
      throw new TypeError(`The key history of the ${of} does not hold: ${messageOf(error)}`);
    }
  });
  const ofLog = histories.find(({ of }) => of === 'transparency log')?.checksum;
  const { log_key_history } = checkpoint;
  if (ofLog !== (log_key_history === undefined ? undefined : checksumOf(log_key_history)))
    throw new TypeError(
      'The key history of the transparency log is another one than that beside the checkpoint.',
    );
  return histories;
}

function signersOfManifest(
  { note, manifest }: AuditBundle,
  { origin }: AuditManifest,
  trusted: readonly Verifier[],
): string[] {
  const read = decodeNote(note);
  if (read.text !== noteText(sha256Of(manifest)))
    throw new TypeError('What is signed is another manifest than the one in the file.');
  const signers = signersOf(read, trusted).filter(({ name }) => name === origin);
  if (signers.length === 0)
    throw new TypeError(`The manifest is not signed by a key of ${origin.slice(0, 80)} that is known here.`);
  return signers.map(({ name, key_id }) => `${name}+${key_id.toString('hex')}`);
}

/** The checkpoint of a bundle, with the keys that the bundle brings. Throws a TypeError. */
export function checkpointIn({ parts }: AuditBundle): AuditCheckpoint {
  const parsed = AuditCheckpoint.safeParse(jsonIn(parts.checkpoint));
  if (parsed.success) return parsed.data;
  throw new TypeError(`The checkpoint is none: ${issueOf(parsed.error)}.`);
}

/** The checkpoint is of the log that signed, and its tree goes on from that of the bundle before. */
function checkCheckpoint(
  { note, previous }: AuditCheckpoint,
  { origin, entries }: AuditManifest,
  trusted: readonly Verifier[],
): void {
  const open = (note: string) => {
    const signer = signersOf(decodeNote(note), trusted).find(({ name }) => name === origin);
    if (signer === undefined)
      throw new TypeError(
        `The checkpoint is not signed by a key of ${origin.slice(0, 80)} that is known here.`,
      );
    return openCheckpoint(note, signer);
  };
  const now = open(note);
  if (entries.to > now.size)
    throw new TypeError(`The checkpoint is over ${now.size} entries, and the bundle is about ${entries.to}.`);
  if (previous === null) return;
  const before = open(previous.note);
  const hashes = previous.hashes.map((hash) => Buffer.from(hash, 'base64'));
  if (!provesConsistency(hashes, { old: before, current: now }))
    throw new TypeError(
      `The log of ${now.size} entries does not go on from the ${before.size} of the bundle before: it was rewritten.`,
    );
}

/** Undefined where it is no JSON, or nests deeper than any part of a bundle. */
function jsonIn(text: string): unknown {
  return nestsDeeper(text, MAX_LEVELS) ? undefined : jsonOf(text);
}

function issueOf(error: z.ZodError): string {
  const issue = error.issues[0];
  const where = issue?.path.join('.') ?? '';
  return `${where === '' ? 'it' : where}: ${issue?.message ?? 'does not fit'}`;
}

function messageOf(error: unknown): string {
  return error instanceof Error ? error.message : String(error);
}
