/** What the backend of models in the process reads of its environment. */
import { availableParallelism } from 'node:os';
import { defineSettings, jsonText, wholeText } from '@mcp/contracts';
import { z } from 'zod';

const Spec = z.strictObject({
  id: z.string().min(1).max(200),
  kind: z.enum(['chat', 'embedding']),
  /** A GGUF file; for an embedding model the folder with `model.onnx` and `tokenizer.json`. */
  path: z.string().min(1),
  max_context: z.number().int().min(256),
  /** Inferences that share the weights at once; unset, by cores. */
  parallel: z
    .number()
    .int()
    .min(1)
    .max(16)
    .default(Math.min(4, Math.max(2, availableParallelism()))),
});

export const embeddedSettings = defineSettings({
  MCP_EMBEDDED_MODELS: {
    schema: jsonText(z.array(Spec)).optional(),
    meaning: 'Models run in process, as JSON: id, kind, path, max_context, parallel.',
    from: 'derived.embedded_models',
  },
  MCP_EMBEDDED_THREADS: {
    // On busy cores more threads than cores − 1 are slower by a factor of ten.
    schema: wholeText(1, 256).default(Math.max(1, availableParallelism() - 1)),
    meaning: 'Threads of one embedded model; unset, the cores less one.',
    operator: true,
  },
});
