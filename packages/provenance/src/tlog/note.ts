/** Signed notes with Ed25519 keys (https://c2sp.org/signed-note): a text, and who signed it. */
import { createHash, createPublicKey, type KeyObject, sign, verify } from 'node:crypto';

/** How a key signs: the text itself, or the text at a time (https://c2sp.org/tlog-cosignature). */
const ALGORITHMS = { ed25519: 0x01, cosignature: 0x04 } as const;
type Algorithm = keyof typeof ALGORITHMS;

const SIGNATURE = /^\u2014 ([^\s+]+) ([A-Za-z0-9+/]+={0,2})$/;
const MAX_SIGNATURES = 100;
const MAX_BYTES = 1_000_000;
/** The 12 bytes before a raw Ed25519 key in its SubjectPublicKeyInfo (RFC 8410). */
const SPKI_PREFIX = Buffer.from('302a300506032b6570032100', 'hex');
const RAW_KEY_BYTES = 32;
const SIGNATURE_BYTES = 64;

/** A key that signatures are checked with. */
export interface Verifier {
  /** Who signs: no white space and no plus sign. */
  readonly name: string;
  readonly algorithm: Algorithm;
  /** Four bytes by which signatures name their key. */
  readonly key_id: Buffer;
  readonly public_key: KeyObject;
}

export interface Signer extends Verifier {
  readonly private_key: KeyObject;
}

interface KeyOptions {
  readonly name: string;
  readonly algorithm: Algorithm;
}

function rawKey(key: KeyObject): Buffer {
  return key.export({ type: 'spki', format: 'der' }).subarray(-RAW_KEY_BYTES);
}

export function verifierOf(public_key: KeyObject, { name, algorithm }: KeyOptions): Verifier {
  if (!/^[^\s+]+$/.test(name))
    throw new TypeError(`The name of a key has no white space and no plus sign: '${name.slice(0, 80)}'.`);
  const key_id = createHash('sha256')
    .update(`${name}\n`)
    .update(Buffer.from([ALGORITHMS[algorithm]]))
    .update(rawKey(public_key))
    .digest()
    .subarray(0, 4);
  return { name, algorithm, key_id, public_key };
}

export function signerOf(private_key: KeyObject, options: KeyOptions): Signer {
  return { ...verifierOf(createPublicKey(private_key), options), private_key };
}

/** A verifier as it is published: `<name>+<key id>+<base64 of algorithm and key>`. */
export function encodeVerifier({ name, algorithm, key_id, public_key }: Verifier): string {
  const key = Buffer.concat([Buffer.from([ALGORITHMS[algorithm]]), rawKey(public_key)]);
  return `${name}+${key_id.toString('hex')}+${key.toString('base64')}`;
}

/** Reads a published verifier. Throws a TypeError that says what does not fit. */
export function decodeVerifier(text: string): Verifier {
  const [, name, id, encoded] = /^([^\s+]+)\+([0-9a-f]{8})\+([A-Za-z0-9+/]+={0,2})$/.exec(text) ?? [];
  if (name === undefined || encoded === undefined)
    throw new TypeError('This is no verifier key: it reads <name>+<key id in hex>+<key in base64>.');
  const key = Buffer.from(encoded, 'base64');
  const algorithm = (Object.keys(ALGORITHMS) as Algorithm[]).find((one) => ALGORITHMS[one] === key[0]);
  if (algorithm === undefined || key.length !== 1 + RAW_KEY_BYTES)
    throw new TypeError(`The verifier key of ${name} is of a kind that is not known: Ed25519 is.`);
  const der = Buffer.concat([SPKI_PREFIX, key.subarray(1)]);
  const verifier = verifierOf(createPublicKey({ key: der, format: 'der', type: 'spki' }), {
    name,
    algorithm,
  });
  if (verifier.key_id.toString('hex') !== id)
    throw new TypeError(`The verifier key of ${name} does not fit its key id ${id}.`);
  return verifier;
}

/** A signature line below a note. */
export interface Signature {
  readonly name: string;
  readonly key_id: Buffer;
  readonly bytes: Buffer;
}

export interface Note {
  /** Ends with a line break. */
  readonly text: string;
  readonly signatures: readonly Signature[];
}

/** Signs a text, at a time where the key is one that cosigns. */
export function signText(text: string, signer: Signer, now_s: number): Signature {
  const { name, key_id, private_key } = signer;
  switch (signer.algorithm) {
    case 'ed25519':
      return { name, key_id, bytes: sign(null, Buffer.from(text), private_key) };
    case 'cosignature': {
      const time = Buffer.alloc(8);
      time.writeBigUInt64BE(BigInt(now_s));
      const bytes = sign(null, cosigned(text, now_s), private_key);
      return { name, key_id, bytes: Buffer.concat([time, bytes]) };
    }
    default:
      return signer.algorithm satisfies never;
  }
}

function cosigned(text: string, time_s: number): Buffer {
  return Buffer.from(`cosignature/v1\ntime ${time_s}\n${text}`);
}

/** A signature line, with its line break. */
export function encodeSignature({ name, key_id, bytes }: Signature): string {
  return `\u2014 ${name} ${Buffer.concat([key_id, bytes]).toString('base64')}\n`;
}

export function encodeNote({ text, signatures }: Note): string {
  return `${text}\n${signatures.map(encodeSignature).join('')}`;
}

/** Reads a note without checking who signed it. Throws a TypeError that says what does not fit. */
export function decodeNote(note: string): Note {
  if (Buffer.byteLength(note) > MAX_BYTES) throw new TypeError(`A note has at most ${MAX_BYTES} bytes.`);
  const split = note.lastIndexOf('\n\n');
  if (split < 0 || !note.endsWith('\n'))
    throw new TypeError('A signed note ends with an empty line and signatures.');
  const text = note.slice(0, split + 1);
  if (hasControlCharacter(note)) throw new TypeError('A note has no control characters but line breaks.');
  const lines = note.slice(split + 2, -1).split('\n');
  if (lines.length > MAX_SIGNATURES) throw new TypeError(`A note has at most ${MAX_SIGNATURES} signatures.`);
  const signatures = lines.map((line): Signature => {
    const [, name, encoded] = SIGNATURE.exec(line) ?? [];
    const bytes = Buffer.from(encoded ?? '', 'base64');
    if (name === undefined || bytes.length < 5 || bytes.toString('base64') !== encoded)
      throw new TypeError(`This is no signature line: '${line.slice(0, 80)}'.`);
    return { name, key_id: bytes.subarray(0, 4), bytes: bytes.subarray(4) };
  });
  return { text, signatures };
}

/** Other than a line break. */
function hasControlCharacter(text: string): boolean {
  for (let at = 0; at < text.length; at++) if (text.charCodeAt(at) < 0x20 && text[at] !== '\n') return true;
  return false;
}

/** Those of the verifiers that signed the note. Throws a TypeError where one of their signatures does not fit the text. */
export function signersOf({ text, signatures }: Note, verifiers: readonly Verifier[]): readonly Verifier[] {
  return verifiers.filter((verifier) => {
    const own = signatures.filter(
      ({ name, key_id }) => name === verifier.name && key_id.equals(verifier.key_id),
    );
    for (const { bytes } of own)
      if (!fits(text, verifier, bytes))
        throw new TypeError(
          `The signature of ${verifier.name} does not fit: the text was changed, or another key signed it.`,
        );
    return own.length > 0;
  });
}

function fits(text: string, { algorithm, public_key }: Verifier, bytes: Buffer): boolean {
  switch (algorithm) {
    case 'ed25519':
      return bytes.length === SIGNATURE_BYTES && verify(null, Buffer.from(text), public_key, bytes);
    case 'cosignature': {
      if (bytes.length !== 8 + SIGNATURE_BYTES) return false;
      const time_s = Number(bytes.readBigUInt64BE());
      return verify(null, cosigned(text, time_s), public_key, bytes.subarray(8));
    }
    default:
      return algorithm satisfies never;
  }
}
