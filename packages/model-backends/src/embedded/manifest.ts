import { defineBackend, jsonText, wholeText } from '@mcp/contracts';
import { z } from 'zod';
import { features } from './features.ts';

const EmbeddedModel = z.strictObject({
  id: z.string().min(1).max(200),
  kind: z.enum(['chat', 'embedding']),
  /** A GGUF file; for an embedding model the folder with `model.onnx` and `tokenizer.json`. */
  path: z.string().min(1),
  max_context: z.number().int().min(256),
  /** Inferences that share the weights at once; unset, by cores. */
  parallel: z.number().int().min(1).max(16).exactOptional(),
});

export const manifest = defineBackend({
  name: 'embedded',
  summary: 'Models in the process itself, on the processor: chat by llama.cpp, embeddings by ONNX.',
  runs: 'in-process',
  features,
  settings: {
    MCP_EMBEDDED_MODELS: {
      schema: jsonText(z.array(EmbeddedModel)).optional(),
      meaning: 'Models run in process, as JSON: id, kind, path, max_context, parallel.',
      from: 'derived.embedded_models',
    },
    MCP_EMBEDDED_THREADS: {
      schema: wholeText(1, 256).optional(),
      meaning: 'Threads of one embedded model; unset, the cores less one.',
      operator: true,
    },
  },
});
