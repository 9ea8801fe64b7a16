import type { ModelBackend } from '@mcp/contracts';
import { z } from 'zod';
import { embedded } from './embedded/index.ts';
import { ollama } from './ollama/index.ts';
import { openai } from './openai/index.ts';
import { createRemoteBackends } from './remote.ts';
import { scripted } from './scripted/index.ts';

/** Every backend, by the name used in MODEL_BACKENDS. A new one: a folder beside these, and one line here. */
const factories = { embedded, ollama, openai, scripted } as const;

export const BackendName = z.enum(
  Object.keys(factories) as [keyof typeof factories, ...(keyof typeof factories)[]],
);
export type BackendName = z.infer<typeof BackendName>;

/** `MODEL_BACKENDS=embedded,openai`: a comma-separated list, in order of preference. */
export const BackendList = z
  .string()
  .transform((text) =>
    text
      .split(',')
      .map((part) => part.trim())
      .filter((part) => part !== ''),
  )
  .pipe(z.array(BackendName).min(1, `must name at least one of ${Object.keys(factories).join(', ')}`));

/** The environment that all backends read. */
export const BackendEnv = embedded.env
  .extend(ollama.env.shape)
  .extend(openai.env.shape)
  .extend(scripted.env.shape);
export type BackendEnv = z.output<typeof BackendEnv>;

/** Makes the named backends from the environment: one for each server. */
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
