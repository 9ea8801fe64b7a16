import { createHash } from 'node:crypto';
import { keySetOf } from '@mcp/service-kit';
import { identitiesOf, signingServices } from '@mcp/stacks';
import * as pulumi from '@pulumi/pulumi';
import { RandomPassword } from '@pulumi/random';
import type { Chart } from 'cdk8s';
import type { ProgramConfig } from '../../config.ts';
import { identitySecretOf, SECRETS, type SecretObject } from '../../context.ts';
import { add } from '../../kit/objects.ts';
import { dependencySecrets } from '../dependency/secrets.ts';

/** The first admin key; its hash is what the gateway is given. */
export const ADMIN_KEY = { object: SECRETS.admin_key_hash.object, key: 'key' } as const;

/** Secrets of the whole platform: given by the operator, or made once and kept in the state. */
export type PlatformSecrets = ReadonlyMap<SecretObject, Readonly<Record<string, pulumi.Output<string>>>>;

/** Makes what the operator did not give. The values are secret Outputs: no preview, log or state shows them. */
export function platformSecrets({ stack, secrets, signing_keys }: ProgramConfig): PlatformSecrets {
  const made = new Map<SecretObject, Record<string, pulumi.Output<string>>>();
  const put = (object: SecretObject, key: string, value: pulumi.Output<string> | undefined) => {
    if (value !== undefined) made.set(object, { ...made.get(object), [key]: pulumi.secret(value) });
  };
  putIdentities(signing_keys, put);
  put(SECRETS.prov_secret.object, SECRETS.prov_secret.key, secrets.provSecret ?? random('provenance'));
  const admin = pulumi.interpolate`mcp_${random('admin-key')}`;
  put(ADMIN_KEY.object, ADMIN_KEY.key, admin);
  put(
    SECRETS.admin_key_hash.object,
    SECRETS.admin_key_hash.key,
    admin.apply((key) => createHash('sha256').update(key).digest('hex')),
  );
  put(SECRETS.database_url.object, SECRETS.database_url.key, secrets.databaseUrl);
  put(SECRETS.log_archive_url.object, SECRETS.log_archive_url.key, secrets.logArchiveUrl);
  put(SECRETS.openai_api_key.object, SECRETS.openai_api_key.key, secrets.openaiApiKey);
  put(SECRETS.openai_targets.object, SECRETS.openai_targets.key, secrets.openaiTargets);
  for (const { object, key, value } of dependencySecrets(stack, { given: secrets, random }))
    put(object, key, value);
  return made;
}

type Put = (object: SecretObject, key: string, value: pulumi.Output<string> | undefined) => void;

/**
 * A signing key for each service that calls others, and the set of their public keys. What a public key is made from is
 * a secret, so Pulumi takes the set for one too; it is not told otherwise.
 */
function putIdentities(generations: readonly string[], put: Put): void {
  const made = new Map(
    signingServices.map((name) => [name, generations.map((one) => random(`identity-${name}-${one}`))]),
  );
  for (const [name, [first]] of made) {
    const { object, key } = identitySecretOf(name);
    put(object, key, first);
  }
  const jwks = pulumi
    .all(Object.fromEntries(made))
    .apply((all: Readonly<Record<string, readonly string[]>>) =>
      JSON.stringify(keySetOf(identitiesOf((name) => all[name] ?? []))),
    );
  put(SECRETS.service_jwks.object, SECRETS.service_jwks.key, jwks);
}

/** 43 characters without any that a URL would escape: 256 bits. */
function random(name: string): pulumi.Output<string> {
  return new RandomPassword(name, { length: 43, special: false }).result;
}

/** One Secret per purpose, so that a pod is given only what it needs. */
export function secretsChart(chart: Chart, secrets: PlatformSecrets): void {
  for (const [name, values] of secrets) {
    // Not as `stringData`, which the API server takes and never gives back.
    const data = Object.fromEntries(Object.entries(values).map(([key, value]) => [key, base64(value)]));
    add(chart, name, { kind: 'Secret', metadata: { name }, type: 'Opaque', data });
  }
}

function base64(value: pulumi.Output<string>): pulumi.Output<string> {
  return value.apply((text) => Buffer.from(text).toString('base64'));
}
