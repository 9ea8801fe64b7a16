import type { ConfigOf, ModelBackend } from '@mcp/contracts';
import { configSchema } from '@mcp/service-kit';
import { type BackendName, backendSettings } from '../manifest.ts';
import { embedded } from './embedded/index.ts';
import { createRemoteBackends } from './remote.ts';
import { scripted } from './scripted/index.ts';

/** The environment that all backends read. */
export const BackendEnv = configSchema(backendSettings);
export type BackendEnv = ConfigOf<typeof backendSettings>;

/** Makes the named backends from the environment: one for each server. A new one: a folder beside these, a line here and in `manifest.ts`. */
export function createBackends(names: readonly BackendName[], env: BackendEnv): ModelBackend[] {
  return names.flatMap((name) => {
    switch (name) {
      case 'embedded':
        return embedded.create(env);
      case 'ollama':
      case 'openai':
        return createRemoteBackends([name], env);
      case 'scripted':
        return scripted.create(env);
      default:
        return name satisfies never;
    }
  });
}
