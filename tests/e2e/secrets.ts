import { createHash, randomBytes } from 'node:crypto';
import type { ServiceName } from '@mcp/contracts';
import { keySetOf } from '@mcp/service-kit';
import { identitiesOf, type SecretName, signingKeyOf, signingServices } from '@mcp/stacks';

export type Secrets = Readonly<Partial<Record<SecretName, string>>>;

/** New secrets for the services of a stack: a key for each that signs, their key set, and an administrator's key. */
export function newSecrets(admin_key: string): Secrets {
  const signing: Secrets = Object.fromEntries(
    signingServices.map((name) => [signingKeyOf(name), randomBytes(32).toString('hex')]),
  );
  const secretsOf = (name: ServiceName) => [signing[signingKeyOf(name)] ?? ''];
  return {
    ...signing,
    service_jwks: JSON.stringify(keySetOf(identitiesOf(secretsOf))),
    prov_secret: randomBytes(32).toString('base64url'),
    log_signing_secret: randomBytes(32).toString('base64url'),
    kms_key: randomBytes(32).toString('base64url'),
    admin_key_hash: createHash('sha256').update(admin_key).digest('hex'),
  };
}
