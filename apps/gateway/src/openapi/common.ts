/** What many routes of the document share: headers both ways, and the shapes of errors. */
import { ERROR_CODES, OnInterrupt, QueueClass, Residency } from '@mcp/contracts';

const text = { type: 'string' };
const whole = { type: 'integer' };

/** Headers that every request to models may have. */
export const PARAMETERS = {
  timeout: {
    name: 'x-mcp-timeout-ms',
    in: 'header',
    description: 'How long the caller waits, in milliseconds.',
    schema: { type: 'integer', minimum: 1 },
  },
  class: {
    name: 'x-mcp-class',
    in: 'header',
    description: '`batch` waits behind what is `interactive`.',
    schema: { enum: QueueClass.options },
  },
  on_interrupt: {
    name: 'x-mcp-on-interrupt',
    in: 'header',
    description:
      'What becomes of a stream that breaks off: another model goes on, or it ends with the error.',
    schema: { enum: OnInterrupt.options },
  },
  context: {
    name: 'x-mcp-context',
    in: 'header',
    description:
      'What becomes of messages that are too long for the model: `fit` leaves out what is worth least, or has it summed up; else they are refused.',
    schema: { enum: ['fit', 'whole'] },
  },
  residency: {
    name: 'x-mcp-residency',
    in: 'header',
    description: 'Where it must be worked on; 421 where that is not here.',
    schema: { enum: Residency.options },
  },
} as const;

/** Headers of answers. */
export const HEADERS = {
  'x-request-id': { description: 'Names the request in logs.', schema: text },
  'x-trace-id': { description: 'Names its trace: `GET /v1/traces/{trace_id}`.', schema: text },
  'x-ratelimit-limit-requests': { description: 'Requests a minute.', schema: whole },
  'x-ratelimit-remaining-requests': { description: 'Requests that are left.', schema: whole },
  'x-ratelimit-reset-requests': { description: 'When all are there again.', schema: text },
  'x-mcp-model': {
    description: 'The model that answered: of an alias, or where another one stood in.',
    schema: text,
  },
  'x-mcp-resumed': {
    description: 'The model that broke off and the one that went on; in a stream a comment of this name.',
    schema: text,
  },
  'x-mcp-context': {
    description:
      'Where it was asked for: what was done to make the messages fit, `none` where they did, with tokens and dropped messages.',
    schema: text,
  },
  'x-mcp-safety': {
    description:
      'What the safety policy found by then and what was done about it; `passed` where it found nothing.',
    schema: text,
  },
  'x-mcp-pii': {
    description:
      'Where personal data is acted on: what is done (`tokenize`, `redact`, `block`), and how much of which kind was found by then.',
    schema: text,
  },
  'x-mcp-risk': {
    description: 'Where requests are routed by risk: the risk, the route, and what it comes from.',
    schema: text,
  },
  'x-mcp-ignored-fields': {
    description: 'Fields of the request that changed no answer, separated by commas.',
    schema: text,
  },
} as const;

const code = { enum: Object.keys(ERROR_CODES) };

/** Errors as RFC 9457 has them, and as the clients of the wires expect them. */
export const ERROR_SCHEMAS = {
  Problem: {
    type: 'object',
    description: 'RFC 9457.',
    required: ['type', 'title', 'status', 'detail', 'code', 'trace_id'],
    properties: {
      type: { type: 'string', pattern: '^urn:mcp:error:' },
      title: text,
      status: whole,
      detail: { type: 'string', description: 'The rule, the value and the way out.' },
      code,
      trace_id: text,
      param: { type: 'string', description: 'The field at fault, as a dotted path.' },
    },
  },
  OpenAiError: {
    type: 'object',
    required: ['error'],
    properties: {
      error: {
        type: 'object',
        required: ['message', 'type', 'param', 'code'],
        properties: {
          message: text,
          type: text,
          param: { type: ['string', 'null'] },
          code: { enum: [...code.enum.filter((one) => one !== 'unauthenticated'), 'invalid_api_key'] },
        },
      },
    },
  },
  AnthropicError: {
    type: 'object',
    required: ['type', 'error'],
    properties: {
      type: { const: 'error' },
      error: { type: 'object', required: ['type', 'message'], properties: { type: text, message: text } },
    },
  },
} as const;
