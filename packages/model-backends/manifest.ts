/** What model backends read of their environment, joined for the services that ask them. */
import { defineSettings, listText } from '@mcp/contracts';
import { z } from 'zod';
import { embeddedSettings } from './src/embedded/manifest.ts';
import { ollamaSettings } from './src/ollama/manifest.ts';
import { openaiSettings } from './src/openai/manifest.ts';
import { scriptedSettings } from './src/scripted/manifest.ts';

/** Every backend, by the name used in MODEL_BACKENDS. */
export const BackendName = z.enum(['embedded', 'ollama', 'openai', 'scripted']);
export type BackendName = z.infer<typeof BackendName>;

/** Backends of servers elsewhere. */
export const remoteSettings = defineSettings({ ...ollamaSettings, ...openaiSettings });

/** Which of them are in use. */
export const chosenBackends = defineSettings({
  MODEL_BACKENDS: {
    schema: listText(
      z.array(BackendName).min(1, `must name at least one of ${BackendName.options.join(', ')}`),
    ),
    meaning: `Backends in use, comma-separated: ${BackendName.options.join(', ')}.`,
    from: 'derived.backends',
    operator: true,
  },
});

/** What all of them read. */
export const backendSettings = defineSettings({
  ...embeddedSettings,
  ...remoteSettings,
  ...scriptedSettings,
});
