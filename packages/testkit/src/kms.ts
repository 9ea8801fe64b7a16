/** A key management service that speaks what Vault and OpenBao, AWS or Google Cloud publish, and fails when it is told to. */
import { createCipheriv, createDecipheriv, generateKeyPairSync, randomBytes } from 'node:crypto';
import { createServer, type IncomingMessage, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';

type ScriptedKmsKind = 'vault' | 'aws' | 'gcp';

/** `away`: it does not answer; `busy`: it says that it is out of order; `throttled`: that it was asked too much; `forbidden`: it refuses. */
type Trouble = 'away' | 'busy' | 'throttled' | 'forbidden';

/** A key management service of a test, scripted or real. */
export interface TestedKms {
  /** As `MCP_KMS` has them. */
  readonly settings: object;
  /** As `MCP_KMS_TOKEN` has it. */
  readonly token: string | undefined;
  /** What it can be brought into. */
  readonly states: readonly Trouble[];
  enter(state: 'up' | Trouble): Promise<void>;
  /** From here on it wraps under a new version of its key. */
  rotate(): Promise<void>;
  /** What it wrapped under another key, or in another context. */
  foreign(): Promise<string>;
  close(): Promise<void>;
}

/** What it is asked with as `x-vault-token`. */
const TOKEN = 'hvs.scripted';
const ARN = 'arn:aws:kms:eu-central-1:111122223333:key/';
const GCP_KEY = '/v1/projects/p/locations/global/keyRings/r/cryptoKeys/mcp';

interface Reply {
  readonly status: number;
  readonly body: object;
}

interface Asked {
  readonly request: IncomingMessage;
  readonly body: Readonly<Record<string, unknown>>;
  readonly keys: VersionedKeys;
  readonly state: 'up' | Trouble;
}

/** Wraps as such services do: under the newest version, and unwraps under each. */
class VersionedKeys {
  readonly #keys: Buffer[] = [randomBytes(32)];

  get latest(): number {
    return this.#keys.length;
  }

  rotate(): void {
    this.#keys.push(randomBytes(32));
  }

  wrap(plaintext: string, context: string): { version: number; bytes: string } {
    const nonce = randomBytes(12);
    const cipher = createCipheriv('aes-256-gcm', this.#key(this.latest), nonce);
    cipher.setAAD(Buffer.from(context));
    const parts = [nonce, cipher.update(plaintext, 'base64'), cipher.final(), cipher.getAuthTag()];
    return { version: this.latest, bytes: Buffer.concat(parts).toString('base64') };
  }

  /** As base64. Undefined: it has not wrapped it. */
  unwrap(wrapped: { version: number; bytes: string }, context: string): string | undefined {
    try {
      const bytes = Buffer.from(wrapped.bytes, 'base64');
      const decipher = createDecipheriv('aes-256-gcm', this.#key(wrapped.version), bytes.subarray(0, 12));
      decipher.setAAD(Buffer.from(context));
      decipher.setAuthTag(bytes.subarray(-16));
      return Buffer.concat([decipher.update(bytes.subarray(12, -16)), decipher.final()]).toString('base64');
    } catch {
      return undefined;
    }
  }

  #key(version: number): Buffer {
    const key = this.#keys[version - 1];
    if (key === undefined) throw new Error(`there is no version ${version}`);
    return key;
  }
}

const SPOKEN: Readonly<Record<ScriptedKmsKind, (asked: Asked) => Reply>> = {
  vault: askedVault,
  aws: askedAws,
  gcp: askedGcp,
};

export async function startScriptedKms(kind: ScriptedKmsKind): Promise<TestedKms> {
  const keys = new VersionedKeys();
  let state: Asked['state'] = 'up';
  const server = createServer((request, response) => {
    void bodyOf(request).then((body) => {
      if (state === 'away') return request.socket.destroy();
      const { status, body: answer } = SPOKEN[kind]({ request, body, keys, state });
      return reply(response, status, answer);
    });
  });
  await new Promise<void>((done) => server.listen(0, '127.0.0.1', done));
  const url = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
  return {
    ...accessOf(kind, url),
    states: ['away', 'busy', 'throttled', 'forbidden'],
    enter: async (next) => {
      state = next;
    },
    rotate: async () => keys.rotate(),
    foreign: async () => writtenBy(kind, keys.wrap('', 'another context')),
    close: () =>
      new Promise((done) => {
        server.close(() => done());
        server.closeAllConnections();
      }),
  };
}

function accessOf(kind: ScriptedKmsKind, url: string): Pick<TestedKms, 'settings' | 'token'> {
  switch (kind) {
    case 'vault':
      return { settings: { kind, address: url, mount: 'transit', key: 'mcp' }, token: TOKEN };
    case 'aws':
      return {
        settings: { kind, key: 'alias/mcp', region: 'eu-central-1', endpoint: url },
        token: undefined,
      };
    case 'gcp':
      return { settings: { kind, key: GCP_KEY.slice('/v1/'.length), endpoint: url }, token: account() };
    default:
      return kind satisfies never;
  }
}

/** The key file of a service account: made once, for it takes a while. */
function account(): string {
  accountKey ??= generateKeyPairSync('rsa', { modulusLength: 2048 })
    .privateKey.export({ type: 'pkcs8', format: 'pem' })
    .toString();
  return JSON.stringify({ client_email: 'core@p.iam.gserviceaccount.com', private_key: accountKey });
}
let accountKey: string | undefined;

/** What was wrapped, as each has it. */
function writtenBy(kind: ScriptedKmsKind, wrapped: { version: number; bytes: string }): string {
  return kind === 'vault'
    ? `vault:v${wrapped.version}:${wrapped.bytes}`
    : Buffer.from(JSON.stringify(wrapped)).toString('base64');
}

async function bodyOf(request: IncomingMessage): Promise<Record<string, unknown>> {
  let text = '';
  for await (const chunk of request) text += String(chunk);
  return text === '' ? {} : JSON.parse(text);
}

function reply(response: ServerResponse, status: number, body: object): void {
  response.writeHead(status, { 'content-type': 'application/json' }).end(JSON.stringify(body));
}

/** The transit engine, mounted at `transit`, with the key `mcp`. */
function askedVault({ request, body, keys, state }: Asked): Reply {
  const failed = (status: number, error: string) => ({ status, body: { errors: [error] } });
  if (state === 'busy') return failed(503, 'Vault is sealed');
  if (state === 'throttled')
    return failed(429, 'request path "transit/encrypt/mcp": rate limit quota exceeded');
  if (state === 'forbidden' || request.headers['x-vault-token'] !== TOKEN)
    return failed(403, 'permission denied');
  const cipher = (plaintext: string) => {
    const { version, bytes } = keys.wrap(plaintext, '');
    const ciphertext = writtenBy('vault', { version, bytes });
    return { status: 200, body: { data: { ciphertext, key_version: version } } };
  };
  const [, version = '', bytes = ''] = /^vault:v(\d+):(.+)$/.exec(String(body.ciphertext)) ?? [];
  const plaintext = () => keys.unwrap({ version: Number(version), bytes }, '');
  switch (`${request.method} ${request.url}`) {
    case 'GET /v1/transit/keys/mcp':
      return { status: 200, body: { data: { latest_version: keys.latest, type: 'aes256-gcm96' } } };
    case 'POST /v1/transit/encrypt/mcp':
      return cipher(String(body.plaintext));
    case 'POST /v1/transit/decrypt/mcp': {
      const found = plaintext();
      return found === undefined
        ? failed(400, 'cipher: message authentication failed')
        : { status: 200, body: { data: { plaintext: found } } };
    }
    case 'POST /v1/transit/rewrap/mcp': {
      const found = plaintext();
      return found === undefined ? failed(400, 'cipher: message authentication failed') : cipher(found);
    }
    default:
      return failed(404, 'no handler for route');
  }
}

/** A new version is a new key that the alias points to. */
function askedAws({ request, body, keys, state }: Asked): Reply {
  const failed = (status: number, type: string) => ({ status, body: { __type: type, message: type } });
  if (state === 'busy') return failed(500, 'KMSInternalException');
  if (state === 'throttled') return failed(400, 'ThrottlingException');
  const signed = /^AWS4-HMAC-SHA256 Credential=[^,]+\/kms\/aws4_request, /.test(
    request.headers.authorization ?? '',
  );
  if (state === 'forbidden' || !signed) return failed(400, 'AccessDeniedException');
  const arn = (version: number) => `${ARN}${version}`;
  const cipher = (plaintext: string, context: unknown) => {
    const wrapped = keys.wrap(plaintext, JSON.stringify(context ?? {}));
    const CiphertextBlob = writtenBy('aws', wrapped);
    return { status: 200, body: { CiphertextBlob, KeyId: arn(wrapped.version) } };
  };
  const plaintext = (context: unknown) => {
    try {
      const wrapped = JSON.parse(Buffer.from(String(body.CiphertextBlob), 'base64').toString());
      return keys.unwrap(wrapped, JSON.stringify(context ?? {}));
    } catch {
      return undefined;
    }
  };
  const invalid = failed(400, 'InvalidCiphertextException');
  switch (request.headers['x-amz-target']) {
    case 'TrentService.DescribeKey':
      return { status: 200, body: { KeyMetadata: { KeyId: `${keys.latest}`, Arn: arn(keys.latest) } } };
    case 'TrentService.Encrypt':
      return cipher(String(body.Plaintext), body.EncryptionContext);
    case 'TrentService.Decrypt': {
      const found = plaintext(body.EncryptionContext);
      return found === undefined ? invalid : { status: 200, body: { Plaintext: found, KeyId: arn(1) } };
    }
    case 'TrentService.ReEncrypt': {
      const found = plaintext(body.SourceEncryptionContext);
      return found === undefined ? invalid : cipher(found, body.DestinationEncryptionContext);
    }
    default:
      return failed(400, 'UnknownOperationException');
  }
}

function askedGcp({ request, body, keys, state }: Asked): Reply {
  const failed = (code: number, status: string) => ({ status: code, body: { error: { code, status } } });
  if (state === 'busy') return failed(503, 'UNAVAILABLE');
  if (state === 'throttled') return failed(429, 'RESOURCE_EXHAUSTED');
  if (state === 'forbidden' || !/^Bearer [\w-]+\.[\w-]+\.[\w-]+$/.test(request.headers.authorization ?? ''))
    return failed(403, 'PERMISSION_DENIED');
  const name = (version: number) => `${GCP_KEY.slice('/v1/'.length)}/cryptoKeyVersions/${version}`;
  switch (`${request.method} ${request.url}`) {
    case `GET ${GCP_KEY}`:
      return { status: 200, body: { purpose: 'ENCRYPT_DECRYPT', primary: { name: name(keys.latest) } } };
    case `POST ${GCP_KEY}:encrypt`: {
      const wrapped = keys.wrap(String(body.plaintext), '');
      const ciphertext = writtenBy('gcp', wrapped);
      return { status: 200, body: { name: name(wrapped.version), ciphertext, protectionLevel: 'SOFTWARE' } };
    }
    case `POST ${GCP_KEY}:decrypt`: {
      const plaintext = unwrapGcp(keys, String(body.ciphertext));
      return plaintext === undefined ? failed(400, 'INVALID_ARGUMENT') : { status: 200, body: { plaintext } };
    }
    default:
      return failed(404, 'NOT_FOUND');
  }
}

function unwrapGcp(keys: VersionedKeys, ciphertext: string): string | undefined {
  try {
    return keys.unwrap(JSON.parse(Buffer.from(ciphertext, 'base64').toString()), '');
  } catch {
    return undefined;
  }
}
