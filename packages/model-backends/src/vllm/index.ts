import type {
  BackendCallOptions,
  ChatCompletionRequest,
  ConfigOf,
  CountTokensRequest,
  ModelBackend,
} from '@mcp/contracts';
import { z } from 'zod';
import { openAiServer, type Row } from '../openai-wire/server.ts';
import { namedServers, SELF_HOSTED } from '../self-hosted.ts';
import { begunAnswer } from '../text.ts';
import type { Upstream } from '../upstream.ts';
import type { manifest } from './manifest.ts';

const Listed = z.object({ max_model_len: z.number().int().positive() });
const Counted = z.object({ count: z.number().int().nonnegative() });

export function create(env: ConfigOf<typeof manifest.settings>): readonly ModelBackend[] {
  return namedServers('vllm', env.VLLM_URL).map(({ name, url }) =>
    openAiServer({
      backend: 'vllm',
      name,
      base_url: url,
      api_key: env.VLLM_API_KEY,
      dialect: {
        path: (call) => `/v1/${call}`,
        body: goingOn,
        facts(row: Row) {
          const { data } = Listed.safeParse(row);
          return { ...SELF_HOSTED, ...(data === undefined ? {} : { max_context: data.max_model_len }) };
        },
        models_path: '/v1/models',
        count,
      },
    }),
  );
}

/** It begins a new answer unless it is told to go on with the last message. */
function goingOn(request: ChatCompletionRequest): object {
  return begunAnswer(request.messages) === undefined
    ? request
    : { ...request, continue_final_message: true, add_generation_prompt: false };
}

/** By the tokenizer and the template of the model. */
async function count(
  upstream: Upstream,
  { model, messages }: CountTokensRequest,
  { signal }: BackendCallOptions,
): Promise<number | undefined> {
  const answer = await upstream.read('/tokenize', signal, { model, messages }).catch(() => undefined);
  return Counted.safeParse(answer).data?.count;
}
