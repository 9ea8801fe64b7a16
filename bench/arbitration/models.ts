/** The embedded models, as the model-gateway runs them, without a service around them. */
import { AssetStore, assetTable } from '@mcp/assets';
import type { ChatCompletionRequest, ChatMessage, ModelEvent } from '@mcp/contracts';
import { BACKENDS } from '@mcp/model-backends/registry';

export const SMALL = 'smollm2-135m-instruct';
export const LARGE = 'qwen2.5-coder-1.5b-instruct';
const EMBEDDER = 'all-minilm-l6-v2';

const READY_MS = 5 * 60_000;
const LOOK_EVERY_MS = 250;
const MAX_CONTEXT = 4096;

interface Answer {
  readonly text: string;
  readonly finish: string;
  readonly input_tokens: number;
  readonly output_tokens: number;
  readonly duration_ms: number;
}

export interface Models {
  /** One answer, without sampling, so that it can be had again. */
  ask(model: string, messages: readonly ChatMessage[], max_tokens: number): Promise<Answer>;
  stream(request: ChatCompletionRequest): AsyncIterable<ModelEvent>;
  embed(texts: readonly string[]): Promise<readonly (readonly number[])[]>;
  close(): Promise<void>;
}

/** SHA-256 of a model's weights, as they were checked when they were fetched. */
export function hashOf(id: string): string {
  return assetTable.find((asset) => asset.id === id)?.files[0]?.sha256 ?? '';
}

/** Loads the models; throws when they are not there after five minutes (`node packages/assets/src/cli.ts standard`). */
export async function openModels(chat: readonly string[]): Promise<Models> {
  const store = new AssetStore();
  const [backend] = await BACKENDS.embedded.create({
    MCP_EMBEDDED_MODELS: [
      ...chat.map((id) => ({
        id,
        kind: 'chat',
        path: store.expected(id),
        max_context: MAX_CONTEXT,
        parallel: 1,
      })),
      { id: EMBEDDER, kind: 'embedding', path: store.expected(EMBEDDER), max_context: 512, parallel: 1 },
    ],
    MCP_EMBEDDED_THREADS: 1,
  });
  if (backend === undefined) throw new Error('there is no embedded backend');
  const signal = AbortSignal.timeout(READY_MS);
  while ((await backend.models(signal)).some(({ status }) => status !== 'ready')) {
    signal.throwIfAborted();
    await new Promise((resolve) => setTimeout(resolve, LOOK_EVERY_MS));
  }
  const options = () => ({
    signal: AbortSignal.timeout(READY_MS),
    deadline_ms: Date.now() + READY_MS,
    traceparent: undefined,
  });
  return {
    async ask(model, messages, max_tokens) {
      const started_ms = performance.now();
      const answer = { text: '', finish: '', input_tokens: 0, output_tokens: 0 };
      const request = { model, messages: [...messages], stream: true, max_tokens, temperature: 0 };
      for await (const event of backend.generate(request, options())) {
        if (event.type === 'text') answer.text += event.text;
        else if (event.type === 'finish') answer.finish = event.reason.unified;
        else if (event.type === 'usage') Object.assign(answer, event.usage);
      }
      return { ...answer, duration_ms: Math.round(performance.now() - started_ms) };
    },
    stream: (request) => backend.generate(request, options()),
    async embed(texts) {
      const { vectors } = await backend.embed({ model: EMBEDDER, input: [...texts] }, options());
      return vectors;
    },
    close: () => backend.close(),
  };
}
