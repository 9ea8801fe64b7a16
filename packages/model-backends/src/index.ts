/** Model backends behind one interface: see `registry.ts`. */
import type { ModelBackend } from '@mcp/contracts';
import { BACKENDS, type BackendName } from './registry.ts';

/** Loads the named backends and makes them of an environment that was read by their settings: one for each server. */
export async function createBackends(
  names: readonly BackendName[],
  env: Readonly<Record<string, unknown>>,
): Promise<ModelBackend[]> {
  return (await Promise.all(names.map((name) => BACKENDS[name].create(env)))).flat();
}
