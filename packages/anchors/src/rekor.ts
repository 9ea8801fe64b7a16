/** Rekor, version 2, as an anchor: its public log gets the hash of a checkpoint, and what it proves of that is kept as a receipt. */
import { createPublicKey, hash, type KeyObject, sign, verify } from 'node:crypto';
import { jsonOf } from '@mcp/contracts';
import { checkpointBy, encodeVerifier, leafHash, provesInclusion, type Verifier } from '@mcp/provenance/tlog';
import { textAtMost } from '@mcp/service-kit';
import { z } from 'zod';
import type { Form } from './anchor.ts';

/** Rekor answers once a checkpoint is over the entry: its clients are told to wait at least 20 s. */
const TIMEOUT_MS = 30_000;
const MAX_ANSWER_BYTES = 128 * 1024;
const RECEIPT = 'mcp/rekor-receipt@v1';
const KEY_DETAILS = 'PKIX_ECDSA_P256_SHA_256';

const Base64 = z.base64().max(16_384);
/** A TransparencyLogEntry of Sigstore's protobuf-specs, as far as it is verified. */
const LogEntry = z.object({
  logIndex: z
    .union([z.string().regex(/^\d{1,16}$/), z.number().int().min(0)])
    .transform(Number)
    .default(0),
  canonicalizedBody: Base64,
  inclusionProof: z.object({
    /** Left out where there is none: the tree has one entry. */
    hashes: z.array(Base64).max(63).default([]),
    checkpoint: z.object({ envelope: z.string().max(16_384) }),
  }),
});
const Body = z.object({
  apiVersion: z.literal('0.0.2'),
  kind: z.literal('hashedrekord'),
  spec: z.object({
    hashedRekordV002: z.object({
      data: z.object({ algorithm: z.literal('SHA2_256'), digest: Base64 }),
      signature: z.object({
        content: Base64,
        verifier: z.object({
          keyDetails: z.literal(KEY_DETAILS),
          publicKey: z.object({ rawBytes: Base64 }),
        }),
      }),
    }),
  }),
});
const Receipt = z.object({
  type: z.literal(RECEIPT),
  /** The signed note whose hash Rekor has. */
  checkpoint: z.string().max(64 * 1024),
  /** Rekor's key and those before it, as C2SP signed-note writes them. */
  rekor_keys: z.array(z.string().max(1000)).min(1).max(20),
  /** What Rekor answered, word for word. */
  entry: z.unknown(),
});

export const RECEIPTS_ENDING = '.rekor.json';

/** What a receipt says that holds. Throws a TypeError that says what does not fit. */
export function openReceipt(
  text: string,
  keysFor: (rekor_keys: readonly string[]) => readonly Verifier[],
): { readonly note: string; readonly rekor: string; readonly index: number } {
  const { checkpoint: note, rekor_keys, entry } = parsed(Receipt, jsonOf(text), 'a receipt of Rekor');
  return { note, ...provenBy(entry, note, keysFor(rekor_keys)) };
}

interface RekorOptions {
  readonly url: string;
  /** The present one of Rekor, and those before it. */
  readonly keys: readonly Verifier[];
  /** ECDSA P-256: what checkpoints are signed with for Rekor, whose log takes signed hashes only. */
  readonly key: KeyObject;
}

/** How Rekor's receipts lie on a shelf. */
export function receiptsOf({ url, keys, key }: RekorOptions): Form {
  return {
    ending: RECEIPTS_ENDING,
    async encode(note) {
      const entry = await submit(url, note, key);
      provenBy(entry, note, keys);
      const rekor_keys = keys.map(encodeVerifier);
      return `${JSON.stringify({ type: RECEIPT, checkpoint: note, rekor_keys, entry }, null, 2)}\n`;
    },
    decode: (text) => noteIn(text, () => keys),
  };
}

/** The checkpoint of a receipt that holds; undefined: it does not. */
export function noteIn(
  text: string,
  keysFor: (rekor_keys: readonly string[]) => readonly Verifier[],
): string | undefined {
  try {
    return openReceipt(text, keysFor).note;
  } catch (error) {
    if (error instanceof TypeError) return undefined;
    throw error;
  }
}

/** The answer to a request of the type `hashedRekordRequestV002`. */
async function submit(url: string, note: string, key: KeyObject): Promise<unknown> {
  const der = createPublicKey(key).export({ type: 'spki', format: 'der' });
  const request = {
    digest: hash('sha256', note, 'base64'),
    signature: {
      content: sign('sha256', Buffer.from(note), key).toString('base64'),
      verifier: { publicKey: { rawBytes: der.toString('base64') }, keyDetails: KEY_DETAILS },
    },
  };
  const answer = await fetch(`${url.replace(/\/+$/, '')}/api/v2/log/entries`, {
    method: 'POST',
    headers: { 'content-type': 'application/json' },
    body: JSON.stringify({ hashedRekordRequestV002: request }),
    redirect: 'error',
    signal: AbortSignal.timeout(TIMEOUT_MS),
  });
  const text = await textAtMost(answer, MAX_ANSWER_BYTES);
  if (text === undefined) throw new Error(`${url} answers more than ${MAX_ANSWER_BYTES} bytes.`);
  if (!answer.ok) throw new Error(`${url} answers ${answer.status}: ${text.slice(0, 300)}`);
  return jsonOf(text);
}

/** Checks that Rekor's log has the hash of a note, by the key of Rekor. Throws a TypeError. */
function provenBy(
  given: unknown,
  note: string,
  keys: readonly Verifier[],
): { readonly rekor: string; readonly index: number } {
  const { logIndex: index, canonicalizedBody, inclusionProof } = parsed(LogEntry, given, 'an entry of Rekor');
  const body = Buffer.from(canonicalizedBody, 'base64');
  const { data, signature } = parsed(Body, jsonOf(body.toString()), 'a hashedrekord 0.0.2').spec
    .hashedRekordV002;
  if (data.digest !== hash('sha256', note, 'base64'))
    throw new TypeError('The entry of Rekor is of another text than the checkpoint.');
  const der = Buffer.from(signature.verifier.publicKey.rawBytes, 'base64');
  if (!fits(note, der, Buffer.from(signature.content, 'base64')))
    throw new TypeError('The signature in the entry of Rekor does not fit the checkpoint.');
  const { origin, size, root } = checkpointBy(inclusionProof.checkpoint.envelope, keys);
  const hashes = inclusionProof.hashes.map((one) => Buffer.from(one, 'base64'));
  if (!provesInclusion(hashes, { leaf: leafHash(body), index, size, root }))
    throw new TypeError(`The entry is not number ${index} of the ${size} entries of ${origin.slice(0, 80)}.`);
  return { rekor: origin, index };
}

function fits(note: string, der: Buffer, signature: Buffer): boolean {
  try {
    const key = createPublicKey({ key: der, format: 'der', type: 'spki' });
    return key.asymmetricKeyType === 'ec' && verify('sha256', Buffer.from(note), key, signature);
  } catch {
    return false;
  }
}

function parsed<S extends z.ZodType>(schema: S, value: unknown, what: string): z.output<S> {
  const read = schema.safeParse(value);
  if (read.success) return read.data;
  const issue = read.error.issues[0];
  throw new TypeError(
    `This is not ${what}: ${issue?.path.join('.') || 'it'} ${issue?.message ?? 'does not fit'}.`,
  );
}
