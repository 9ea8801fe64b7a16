/** By what `mcp verify` checks signatures: the secrets and the key history of a data directory, or a history that is given. */
import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { VerifiedKeys, type VerifyOptions } from '@mcp/provenance';
import { z } from 'zod';
import { CliError, messageOf } from '../errors.ts';
import { readGivenJson } from '../given-file.ts';
import type { DataPaths } from '../paths.ts';
import { readSecret } from '../runner/secrets.ts';

/** A thousand keys and revocations have a megabyte. */
const GIVEN = { what: 'a key history', max_bytes: 4 * 1024 * 1024 };

/** `file`: a key history; else that of the data directory counts. */
export function verifyOptions(paths: DataPaths, file: string | undefined): VerifyOptions {
  return {
    secret: process.env.PROV_SECRET || readSecret(paths.secrets, 'provenance'),
    accepted: acceptedSecrets(paths),
    history: historyOf(paths, file),
  };
}

/** The key history: of a file, or of the key ring of the data directory. Undefined: there is none. */
function historyOf(paths: DataPaths, file: string | undefined): VerifiedKeys | undefined {
  const path = file ?? join(paths.secrets, 'log-keys.json');
  if (file === undefined && !existsSync(path)) return undefined;
  const value = readGivenJson(path, GIVEN);
  try {
    const ring = z.object({ history: z.unknown() }).safeParse(value);
    return VerifiedKeys.of(ring.success && ring.data.history !== undefined ? ring.data.history : value);
  } catch (error) {
    throw new CliError(`The key history ${path} cannot be used: ${messageOf(error)}`);
  }
}

function acceptedSecrets(paths: DataPaths): string[] {
  const text = process.env.PROV_SECRETS_ACCEPTED || readSecret(paths.secrets, 'prov_secrets_accepted') || '';
  return text.split(/[\n,]/).flatMap((one) => one.trim() || []);
}
