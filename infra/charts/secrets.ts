import { createHash } from 'node:crypto';
import * as pulumi from '@pulumi/pulumi';
import { RandomPassword } from '@pulumi/random';
import type { Chart } from 'cdk8s';
import type { ProgramConfig, SecretKey } from '../config.ts';
import { SECRETS, type SecretObject } from '../context.ts';
import { add } from '../kit/objects.ts';
import { natsSecretOf } from './environment.ts';
import { busUsers } from './nats.ts';
import { NATS_LINK_SECRET, NATS_TLS_SECRET } from './nats-links.ts';

/** The first admin key; its hash is what the gateway is given. */
export const ADMIN_KEY = { object: SECRETS.admin_key_hash.object, key: 'key' } as const;

/** Secrets of the whole platform: given by the operator, or made once and kept in the state. */
export type PlatformSecrets = ReadonlyMap<SecretObject, Readonly<Record<string, pulumi.Output<string>>>>;

/** Makes what the operator did not give. The values are secret Outputs: no preview, log or state shows them. */
export function platformSecrets({ stack, secrets }: ProgramConfig): PlatformSecrets {
  const made = new Map<SecretObject, Record<string, pulumi.Output<string>>>();
  const put = (object: SecretObject, key: string, value: pulumi.Output<string> | undefined) => {
    if (value !== undefined) made.set(object, { ...made.get(object), [key]: pulumi.secret(value) });
  };
  put(SECRETS.service_token.object, SECRETS.service_token.key, random('service-token'));
  put(SECRETS.prov_secret.object, SECRETS.prov_secret.key, secrets.provSecret ?? random('provenance'));
  const admin = pulumi.interpolate`mcp_${random('admin-key')}`;
  put(ADMIN_KEY.object, ADMIN_KEY.key, admin);
  put(
    SECRETS.admin_key_hash.object,
    SECRETS.admin_key_hash.key,
    admin.apply((key) => createHash('sha256').update(key).digest('hex')),
  );
  put(SECRETS.database_url.object, SECRETS.database_url.key, secrets.databaseUrl);
  put(SECRETS.openai_api_key.object, SECRETS.openai_api_key.key, secrets.openaiApiKey);
  put(SECRETS.openai_targets.object, SECRETS.openai_targets.key, secrets.openaiTargets);
  for (const { name } of busUsers({ stack })) put(natsSecretOf(name), 'password', random(`nats-${name}`));
  if (stack.regions.some(({ peers }) => peers.length > 0))
    put(NATS_LINK_SECRET.object, NATS_LINK_SECRET.key, random('nats-link'));
  for (const [key, config] of Object.entries(NATS_TLS)) put(NATS_TLS_SECRET, key, secrets[config]);
  return made;
}

const NATS_TLS: Readonly<Record<string, SecretKey>> = {
  'tls.crt': 'natsTlsCert',
  'tls.key': 'natsTlsKey',
  'ca.crt': 'natsTlsCa',
};

/** 43 characters without any that a URL would escape: 256 bits. */
function random(name: string): pulumi.Output<string> {
  return new RandomPassword(name, { length: 43, special: false }).result;
}

/** One Secret per purpose, so that a pod is given only what it needs. */
export function secretsChart(chart: Chart, secrets: PlatformSecrets): void {
  for (const [name, stringData] of secrets)
    add(chart, name, { kind: 'Secret', metadata: { name }, type: 'Opaque', stringData: { ...stringData } });
}
