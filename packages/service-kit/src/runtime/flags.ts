/** Feature flags of a service: those of its manifest, with their value from the environment. */
import type { FlagTable } from '@mcp/contracts';
import { InMemoryProvider, OpenFeature } from '@openfeature/server-sdk';
import { ConfigError } from './config.ts';

/** Flags that can be asked for; other names do not compile. */
export interface Flags<F extends FlagTable> {
  enabled(name: keyof F & string): boolean;
}

/**
 * Whether a flag is on: an environment variable of its name (`true`/`false`) overrides the default; the stack sets that
 * variable. Throws ConfigError when it is neither.
 */
export function flagValue(name: string, fallback: boolean, env: NodeJS.ProcessEnv): boolean {
  const raw = env[name];
  if (raw === undefined || raw === '') return fallback;
  if (raw !== 'true' && raw !== 'false')
    throw new ConfigError(
      `${name} must be true or false, got ${JSON.stringify(raw.slice(0, 40))}. Set it to one of them or unset it.`,
    );
  return raw === 'true';
}

/** Evaluates all flags through OpenFeature, so that another provider can take over; reads are then free. */
export async function createFlags<F extends FlagTable>(
  service: string,
  flags: F,
  env: NodeJS.ProcessEnv,
): Promise<Flags<F>> {
  const states = Object.entries(flags).map(([name, row]) => ({
    name,
    value: flagValue(name, row.default, env),
  }));
  const configuration = Object.fromEntries(
    states.map(({ name, value }) => [
      name,
      { variants: { on: true, off: false }, defaultVariant: value ? 'on' : 'off', disabled: false },
    ]),
  );
  await OpenFeature.setProviderAndWait(service, new InMemoryProvider(configuration));
  const client = OpenFeature.getClient(service);
  const values = new Map<string, boolean>();
  for (const { name, value } of states) values.set(name, await client.getBooleanValue(name, value));
  return { enabled: (name) => values.get(name) ?? false };
}
