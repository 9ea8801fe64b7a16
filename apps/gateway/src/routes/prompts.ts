import { CompletionRequest } from '@mcp/contracts';
import { type KitEnv, streamEvents } from '@mcp/service-kit';
import {
  completionEncoder,
  DONE_FRAME,
  encodeCompletion,
  fromCompletion,
  inOneStream,
  textsOf,
} from '@mcp/wire';
import type { Hono } from 'hono';
import type { Gateway } from '../gateway.ts';
import { modelCoalescing } from '../transports/coalescing.ts';
import { completionEvents, inferenceBody, noteOverhead, wholeAnswer } from '../transports/completion.ts';
import { guardInference } from '../transports/http.ts';
import { OPENAI_SSE } from '../transports/sse.ts';

/** `POST /v1/completions`: completions of prompts, OpenAI's format before chat completions. */
export function promptRoutes(app: Hono<KitEnv>, gateway: Gateway): void {
  app.post(
    '/v1/completions',
    guardInference(gateway, async (c, call) => {
      const given = await inferenceBody(gateway, c, CompletionRequest);
      const prompts = await textsOf(given.prompt, { model: given.model, param: 'prompt' });
      const events = inOneStream(fromCompletion(given, prompts), (request) =>
        completionEvents(gateway, c, { request, call, format: 'completions' }),
      );
      const options = { echoed: given.echo === true ? prompts : [], n: given.n ?? 1 };
      if (given.stream !== true)
        return wholeAnswer(c, events, (completion) => encodeCompletion(completion, options));
      noteOverhead(c);
      const include_usage = given.stream_options?.include_usage === true;
      return streamEvents(c, events, {
        ...OPENAI_SSE,
        coalescing: modelCoalescing(gateway),
        encode: completionEncoder({ ...options, include_usage }),
        onEnd: () => DONE_FRAME,
      });
    }),
  );
}
