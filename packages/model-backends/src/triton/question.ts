/** What a question to a model of Triton is sent as, and who reads its answer, however the server is asked. */
import { randomUUID } from 'node:crypto';
import type { ChatCompletionRequest } from '@mcp/contracts';
import { TritonReader } from './answer.ts';
import { generateBody, type Template } from './body.ts';
import type { TritonModels } from './models.ts';

/** Throws `model_not_found`, and `invalid_request` for what the model has no input for. */
export async function questionOf(
  models: TritonModels,
  request: ChatCompletionRequest,
  { template, signal }: { readonly template: Template; readonly signal: AbortSignal },
) {
  const { inputs } = await models.require(request.model, signal);
  const names = new Set(inputs.map(({ name }) => name));
  const fields = generateBody(request, { inputs: names, template });
  const id = `chatcmpl-${randomUUID()}`;
  return { inputs, fields, reader: new TritonReader({ id, told: names.has('return_finish_reason') }) };
}
