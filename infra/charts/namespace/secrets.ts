import { createHash } from 'node:crypto';
import type { ServiceName } from '@mcp/contracts';
import { keySetOf } from '@mcp/service-kit';
import { identitiesOf, SECRETS, type SecretRow, signingSecretOf, signingServices } from '@mcp/stacks';
import * as pulumi from '@pulumi/pulumi';
import { RandomPassword } from '@pulumi/random';
import type { Chart } from 'cdk8s';
import { configKeyOf, type ProgramConfig } from '../../config.ts';
import { add } from '../../kit/objects.ts';
import { dependencySecrets } from '../dependency/secrets.ts';

/** Secrets of the whole platform, by object and key: given by the operator, or made once and kept in the state. */
export type PlatformSecrets = ReadonlyMap<string, Readonly<Record<string, pulumi.Output<string>>>>;

/** The first admin key; its hash is what the gateway is given. */
export function adminKey(): { readonly object: string; readonly key: string } {
  const { object, made } = SECRETS.admin_key_hash;
  if (made.by !== 'sha256') throw new Error('The gateway is given the hash of the admin key.');
  return { object, key: made.of.key };
}

/** Makes what the operator did not give. The values are secret Outputs: no preview, log or state shows them. */
export function platformSecrets({ stack, secrets, signing_keys }: ProgramConfig): PlatformSecrets {
  const made = new Map<string, Record<string, pulumi.Output<string>>>();
  const put = (object: string, key: string, value: pulumi.Output<string> | undefined) => {
    if (value !== undefined) made.set(object, { ...made.get(object), [key]: pulumi.secret(value) });
  };
  const identities = new Map(
    signingServices.map((name) => [name, signing_keys.map((one) => random(`identity-${name}-${one}`))]),
  );
  for (const name of signingServices) {
    const { object, key } = signingSecretOf(name);
    put(object, key, identities.get(name)?.[0]);
  }
  for (const row of Object.values(SECRETS)) putSecret(row, { given: secrets, identities, put });
  for (const { object, key, value } of dependencySecrets(stack, { given: secrets, random }))
    put(object, key, value);
  return made;
}

type Put = (object: string, key: string, value: pulumi.Output<string> | undefined) => void;
/** What services make their signing keys from, the first generation first. */
type Identities = ReadonlyMap<ServiceName, readonly pulumi.Output<string>[]>;

/** One secret of the environment, as its row says. */
function putSecret(
  { name, object, key, made }: SecretRow,
  from: { given: ProgramConfig['secrets']; identities: Identities; put: Put },
): void {
  const { given, identities, put } = from;
  switch (made.by) {
    case 'random':
      put(object, key, given[configKeyOf(name)] ?? random(made.name));
      break;
    case 'operator':
      put(object, key, given[configKeyOf(name)]);
      break;
    case 'sha256': {
      const value = pulumi.interpolate`${made.of.prefix ?? ''}${random(made.of.name)}`;
      put(object, made.of.key, value);
      put(
        object,
        key,
        value.apply((text) => createHash('sha256').update(text).digest('hex')),
      );
      break;
    }
    case 'key-set':
      put(object, key, keySet(identities));
      break;
    case 'signing-key':
      // Made with its generations, all of which are believed.
      break;
    default:
      made satisfies never;
  }
}

/** What public keys are made from is a secret, so Pulumi takes the set for one too; it is not told otherwise. */
function keySet(identities: Identities): pulumi.Output<string> {
  return pulumi
    .all(Object.fromEntries(identities))
    .apply((all: Readonly<Record<string, readonly string[]>>) =>
      JSON.stringify(keySetOf(identitiesOf((name) => all[name] ?? []))),
    );
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
