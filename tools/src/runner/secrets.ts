import { createHash, randomBytes } from 'node:crypto';
import { chmodSync, linkSync, mkdirSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import type { ServiceName } from '@mcp/contracts';
import { keySetOf } from '@mcp/service-kit';
import { identitiesOf, SECRETS, type SecretRow, signingKeyOf, signingServices } from '@mcp/stacks';
import { CliError, codeOf, messageOf } from '../errors.ts';
import { hasPassword, LOCAL } from './dependency.ts';

/**
 * What the files in `${data}/secrets` hold, by their names: one for each secret that is made at random or of which a
 * hash is given, one for each service that signs its calls, and one for each dependency that asks for a password.
 * Each is made once, readable by its owner only, and never shown.
 */
export type Secrets = ReadonlyMap<string, string>;

/** Where an operator may put the secrets from before: they are not made, and read where they are. */
const ACCEPTED = 'prov_secrets_accepted' satisfies SecretRow['name'];

/** Names of the files, with what the value of each begins with. */
function filesOf(): ReadonlyMap<string, string> {
  const rows = Object.values(SECRETS).flatMap((row): [string, string][] => {
    const file = fileOf(row);
    return file === undefined ? [] : [[file, row.made.by === 'sha256' ? (row.made.of.prefix ?? '') : '']];
  });
  const passwords = LOCAL.filter(hasPassword).map(({ name }): [string, string] => [name, '']);
  return new Map([...rows, ...passwords]);
}

/** The file of what a secret is made from; undefined: nothing is kept for it. */
function fileOf({ name, made }: SecretRow): string | undefined {
  switch (made.by) {
    case 'random':
      return made.name;
    case 'sha256':
      return made.of.file ?? made.of.name;
    case 'signing-key':
      return identityFile(signingServices.find((one) => signingKeyOf(one) === name));
    case 'key-set':
    case 'operator':
      return undefined;
    default:
      return made satisfies never;
  }
}

function identityFile(service: ServiceName | undefined): string | undefined {
  return service && `identity-${service}`;
}

/** Reads the secrets of a data directory; those that are missing are made. */
export function ensureSecrets(dir: string): Secrets {
  mkdirSync(dir, { recursive: true, mode: 0o700 });
  chmodSync(dir, 0o700);
  const made = [...filesOf()].map(([file, prefix]): [string, string] => [
    file,
    readSecret(dir, file) ?? makeSecret(dir, file, prefix),
  ]);
  const accepted = readSecret(dir, ACCEPTED);
  return new Map(accepted === undefined ? made : [...made, [ACCEPTED, accepted]]);
}

/** The value of a secret on this machine; undefined: there is none. */
export function secretValue(
  row: SecretRow,
  { kept, env }: { readonly kept: Secrets; readonly env: NodeJS.ProcessEnv },
): string | undefined {
  const file = kept.get(fileOf(row) ?? '');
  const { made, variable } = row;
  switch (made.by) {
    case 'random':
      return (made.given === undefined ? undefined : env[variable]) || file;
    case 'sha256':
      return file === undefined ? undefined : sha256(file);
    case 'signing-key':
      return file;
    case 'key-set':
      return jwksOf((service) => kept.get(identityFile(service) ?? ''));
    case 'operator':
      return env[variable] || kept.get(row.name);
    default:
      return made satisfies never;
  }
}

/** One secret, or undefined when it has not been made yet. Repairs a file that others can read. */
export function readSecret(dir: string, name: string): string | undefined {
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
export function jwksOf(keyOf: (service: ServiceName) => string | undefined): string {
  const rows = identitiesOf((name) => {
    const secret = keyOf(name);
    return secret === undefined ? [] : [secret];
  });
  return JSON.stringify(keySetOf(rows));
}

function sha256(value: string): string {
  return createHash('sha256').update(value).digest('hex');
}

/** Written aside and linked into place, so that two starts at once end up with the same secret. */
function makeSecret(dir: string, name: string, prefix: string): string {
  const path = join(dir, `${name}.key`);
  const aside = join(dir, `.${name}.${process.pid}`);
  writeFileSync(aside, `${prefix}${signingKey()}\n`, { mode: 0o600, flush: true });
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
