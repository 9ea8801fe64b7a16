import type { ModelBackend, RemoteBackendName } from '@mcp/contracts';
import { ollama } from './ollama/index.ts';
import { openai } from './openai/index.ts';

/** The environment that backends of servers elsewhere read. */
export const RemoteBackendEnv = ollama.env.extend(openai.env.shape);

/** Makes backends of servers elsewhere: without those that run models in the process, and what they are linked to. */
export function createRemoteBackends(
  names: readonly RemoteBackendName[],
  env: (typeof RemoteBackendEnv)['_output'],
): ModelBackend[] {
  return names.flatMap((name) => {
    switch (name) {
      case 'ollama':
        return ollama.create(env);
      case 'openai':
        return openai.create(env);
      default:
        return name satisfies never;
    }
  });
}
