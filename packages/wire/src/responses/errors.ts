import { PlatformError } from '@mcp/contracts';

/** Fields of a chat completion by the name that they have in a Responses request. */
const FIELDS: Readonly<Record<string, string>> = {
  messages: 'input',
  max_tokens: 'max_output_tokens',
  max_completion_tokens: 'max_output_tokens',
  response_format: 'text.format',
  reasoning_effort: 'reasoning.effort',
  logprobs: 'top_logprobs',
};

/** An error about a chat completion in the words of the Responses request that asked for it. */
export function asResponsesError(thrown: unknown): unknown {
  if (!(thrown instanceof PlatformError) || thrown.param === undefined) return thrown;
  const [field = '', ...rest] = thrown.param.split('.');
  const name = Object.hasOwn(FIELDS, field) ? FIELDS[field] : undefined;
  if (name === undefined) return thrown;
  const { code, message, retryable, retry_after_ms, cause } = thrown;
  return new PlatformError(
    code,
    message.startsWith(field) ? `${name}${message.slice(field.length)}` : message,
    {
      // Where in the messages it is says nothing of where in the items.
      param: field === 'messages' ? name : [name, ...rest].join('.'),
      retryable,
      cause,
      ...(retry_after_ms === undefined ? {} : { retry_after_ms }),
    },
  );
}
