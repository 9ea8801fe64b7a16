import { createHash, randomBytes } from 'node:crypto';
import { chmodSync, linkSync, mkdirSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import type { ServiceName } from '@mcp/contracts';
import type { KnownDependency } from '@mcp/dependencies';
import { keySetOf } from '@mcp/service-kit';
import { identitiesOf, signingServices } from '@mcp/stacks';
import { CliError, codeOf, messageOf } from '../errors.ts';
import { hasPassword, LOCAL } from './dependency.ts';

/** What the files in `${data}/secrets` hold. Each is made once, readable by its owner only, and never shown. */
const MAKERS = {
  admin: () => `mcp_${randomBytes(32).toString('base64url')}`,
  provenance: () => randomBytes(32).toString('base64url'),
} as const;
/** A file each, one for each service that signs its calls, and one for each dependency that asks for a password. */
export type SecretFile = keyof typeof MAKERS | `identity-${ServiceName}` | KnownDependency;
export type Secrets = Readonly<Record<keyof typeof MAKERS, string>> & {
  /** What each service makes its signing key from. */
  readonly identities: ReadonlyMap<ServiceName, string>;
  readonly passwords: ReadonlyMap<KnownDependency, string>;
};

/** Reads the secrets of a data directory; those that are missing are made. */
export function ensureSecrets(dir: string): Secrets {
  mkdirSync(dir, { recursive: true, mode: 0o700 });
  chmodSync(dir, 0o700);
  const one = (name: SecretFile) => readSecret(dir, name) ?? makeSecret(dir, name);
  return {
    admin: one('admin'),
    provenance: one('provenance'),
    identities: new Map(signingServices.map((name) => [name, one(`identity-${name}`)])),
    passwords: new Map(LOCAL.filter(hasPassword).map(({ name }) => [name, one(name)])),
  };
}

/** One secret, or undefined when it has not been made yet. Repairs a file that others can read. */
export function readSecret(dir: string, name: SecretFile): string | undefined {
  const path = join(dir, `${name}.key`);
  try {
    if (process.platform !== 'win32' && (statSync(path).mode & 0o077) !== 0) chmodSync(path, 0o600);
    const value = readFileSync(path, 'utf8').trim();
    if (value.length >= 32) return value;
  } catch (error) {
    if (codeOf(error) === 'ENOENT') return undefined;
    throw new CliError(`${path} cannot be read (${messageOf(error)}). Give yourself access to it.`);
  }
  throw new CliError(
    `${path} holds fewer than 32 characters. Restore it from a backup, or remove it to have a new one made.`,
  );
}

/** A text to make a signing key from, or a password. */
export function signingKey(): string {
  return randomBytes(32).toString('base64url');
}

/** The public side of signing keys, as services read it. */
export function jwksOf(identities: ReadonlyMap<ServiceName, string>): string {
  const rows = identitiesOf((name) => {
    const secret = identities.get(name);
    return secret === undefined ? [] : [secret];
  });
  return JSON.stringify(keySetOf(rows));
}

/** What the gateway is given instead of the key. */
export function sha256(value: string): string {
  return createHash('sha256').update(value).digest('hex');
}

/** Written aside and linked into place, so that two starts at once end up with the same secret. */
function makeSecret(dir: string, name: SecretFile): string {
  const path = join(dir, `${name}.key`);
  const aside = join(dir, `.${name}.${process.pid}`);
  const made = name in MAKERS ? MAKERS[name as keyof typeof MAKERS]() : signingKey();
  writeFileSync(aside, `${made}\n`, { mode: 0o600, flush: true });
  try {
    linkSync(aside, path);
  } catch (error) {
    if (codeOf(error) !== 'EEXIST') throw error;
  } finally {
    rmSync(aside, { force: true });
  }
  const value = readSecret(dir, name);
  if (value === undefined) throw new CliError(`${path} vanished while it was made. Start again.`);
  return value;
}
