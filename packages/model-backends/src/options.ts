/** What a backend is to the registry. */
import type { ConfigOf, ModelBackend, Settings } from '@mcp/contracts';

/** A backend as the registry makes it, once per server. `S` is what it reads of the environment. */
export interface BackendFactory<S extends Settings = Settings> {
  readonly settings: S;
  create(env: ConfigOf<S>): readonly ModelBackend[];
}

/** Type-checks a factory where it is written. */
export function defineBackend<S extends Settings>(factory: BackendFactory<S>): BackendFactory<S> {
  return factory;
}
