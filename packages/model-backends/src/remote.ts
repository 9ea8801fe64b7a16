import type { ConfigOf, ModelBackend, RemoteBackendName } from '@mcp/contracts';
import type { remoteSettings } from '../manifest.ts';
import { ollama } from './ollama/index.ts';
import { openai } from './openai/index.ts';

/** Makes backends of servers elsewhere: without those that run models in the process, and what they are linked to. */
export function createRemoteBackends(
  names: readonly RemoteBackendName[],
  env: ConfigOf<typeof remoteSettings>,
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
