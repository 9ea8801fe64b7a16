import { z } from 'zod';
import { type KubernetesObject, list, readContainers } from '../../objects.ts';
import type { Params } from '../../params.ts';
import { type ObjectRule, PODS } from '../rule.ts';

const WithEnv = z.object({
  name: z.string(),
  command: list(z.string()),
  args: list(z.string()),
  env: list(z.object({ name: z.string(), value: z.string().nullish() })),
});
const ConfigMap = z.object({ data: z.record(z.string(), z.string()).nullish() });

/** A ConfigMap counts as well, for pods take their environment from it. The value is never repeated. */
function check(object: KubernetesObject, params: Params): string[] {
  if (object.kind === 'ConfigMap') {
    const { data } = ConfigMap.parse(object);
    return Object.entries(data ?? {}).flatMap(([name, value]) => ofPair({ name, value }, 'key', params));
  }
  return readContainers(object, WithEnv).flatMap(({ name, env, command, args }) => [
    ...env
      .flatMap((one) => ofPair({ name: one.name, value: one.value ?? '' }, 'variable', params))
      .map((text) => `container ${name}: ${text}`),
    ...([...command, ...args].some((text) => looksSecret(text, params))
      ? [`container ${name}: the command line holds what looks like a credential`]
      : []),
  ]);
}

interface Pair {
  readonly name: string;
  readonly value: string;
}

function ofPair({ name, value }: Pair, what: string, params: Params): string[] {
  if (looksSecret(value, params)) return [`${what} ${name} holds what looks like a credential`];
  if (value === '' || value.includes('$(') || !namesSecret(name, params)) return [];
  return [`${what} ${name} holds a secret in clear`];
}

function namesSecret(name: string, { secret_names, not_secret_names }: Params): boolean {
  const upper = name.toUpperCase();
  return matches(upper, secret_names) && !matches(upper, not_secret_names);
}

function looksSecret(value: string, { secret_values }: Params): boolean {
  return matches(value, secret_values);
}

function matches(text: string, patterns: readonly string[]): boolean {
  return patterns.some((pattern) => new RegExp(pattern).test(text));
}

export const noSecretsInEnv: ObjectRule = {
  scope: 'object',
  gatekeeper: 'admission',
  name: 'no-secrets-in-env',
  summary: 'No environment value, command line or ConfigMap holds a secret.',
  message: 'secrets come from a Secret; use valueFrom.secretKeyRef, or $(NAME) of a variable that does',
  kinds: [...PODS, { group: '', kinds: ['ConfigMap'] }],
  params: ['secret_names', 'not_secret_names', 'secret_values'],
  check,
};
