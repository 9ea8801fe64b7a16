/** Model backends behind one interface: see `registry.ts`. */
import { listText, type ModelBackend, type Setting } from '@mcp/contracts';
import { z } from 'zod';
import { BACKENDS, BackendName, backendSettings, RemoteBackendName } from './registry.ts';

/** `MODEL_BACKENDS=embedded,openai`: a comma-separated list, in order of preference. */
export const BackendList = listText(
  z.array(BackendName).min(1, `must name at least one of ${BackendName.options.join(', ')}`),
);
export const RemoteBackendList = listText(z.array(RemoteBackendName));

type All<U> = (U extends unknown ? (one: U) => void : never) extends (all: infer A) => void ? A : never;
type SettingsOf<N extends BackendName> = All<(typeof BACKENDS)[N]['manifest']['settings']>;
type Env<N extends BackendName> = z.ZodObject<{
  -readonly [V in keyof SettingsOf<N>]: SettingsOf<N>[V] extends Setting ? SettingsOf<N>[V]['schema'] : never;
}>;

function envOf<N extends BackendName>(names: readonly N[]): Env<N> {
  const rows = Object.entries(backendSettings(names)).map(([name, { schema }]) => [name, schema]);
  return z.object(Object.fromEntries(rows)) as unknown as Env<N>;
}

/** The environment that all backends read, and what those of servers elsewhere do. */
export const BackendEnv = envOf(BackendName.options);
export const RemoteBackendEnv = envOf(RemoteBackendName.options);

/** Loads the named backends and makes them from the environment: one for each server. */
export async function createBackends<N extends BackendName>(
  names: readonly N[],
  env: z.output<Env<N>> & Readonly<Record<string, unknown>>,
): Promise<ModelBackend[]> {
  return (await Promise.all(names.map((name) => BACKENDS[name].create(env)))).flat();
}
