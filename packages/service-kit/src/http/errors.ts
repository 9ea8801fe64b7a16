import { ERROR_CODES, type ErrorCode, PlatformError } from '@mcp/contracts';
import { ZodError } from 'zod';

/** Turns anything thrown into a PlatformError; what is unknown becomes `internal` with nothing of it in the message. */
export function toPlatformError(error: unknown): PlatformError {
  if (error instanceof PlatformError) return error;
  if (error instanceof ZodError) return fromZod(error);
  if (error instanceof Error && error.name === 'AbortError')
    return new PlatformError('cancelled', 'The caller left before the answer was complete.', {
      cause: error,
    });
  return new PlatformError(
    'internal',
    'Something went wrong on our side. Give the trace_id to whoever runs the platform.',
    { cause: error },
  );
}

/** First issue of a failed parse as a message with rule, value and way out. */
export function fromZod(error: ZodError, input?: unknown): PlatformError {
  const issue = error.issues[0];
  if (issue === undefined)
    return new PlatformError('invalid_request', 'The request does not fit its schema.');
  const leaf = deepest(issue);
  const path = leaf.path.map(String);
  if (leaf.code === 'unrecognized_keys') {
    const keys = leaf.keys.map((key) => `'${clip(key)}'`).join(', ');
    return new PlatformError(
      'invalid_request',
      `Unrecognized request argument ${keys}${path.length > 0 ? ` in ${path.join('.')}` : ''}. Remove it or check its spelling.`,
      { param: [...path, leaf.keys[0] ?? ''].join('.') },
    );
  }
  const where = path.length > 0 ? path.join('.') : 'body';
  const value = valueAt(input, leaf.path);
  const got = value === undefined ? '' : ` (got ${clip(JSON.stringify(value) ?? typeof value)})`;
  return new PlatformError('invalid_request', `${where}: ${rule(leaf)}${got}.`, { param: where });
}

/** An RFC 9457 problem document. */
export interface Problem {
  readonly type: string;
  readonly title: string;
  readonly status: number;
  readonly detail: string;
  readonly code: ErrorCode;
  readonly trace_id: string;
  readonly param?: string;
}

export function toProblem(error: PlatformError, trace_id: string): Problem {
  return {
    type: `urn:mcp:error:${error.code}`,
    title: ERROR_CODES[error.code].title,
    status: error.status,
    detail: error.message,
    code: error.code,
    trace_id,
    ...(error.param === undefined ? {} : { param: error.param }),
  };
}

/** OpenAI's error object, used on `/v1/*` of the OpenAI wire. */
export interface OpenAiErrorBody {
  readonly error: {
    readonly message: string;
    readonly type: string;
    readonly param: string | null;
    readonly code: string;
  };
}

export function toOpenAiError(error: PlatformError): OpenAiErrorBody {
  return {
    error: {
      message: error.message,
      type: openAiType(error.status),
      param: error.param ?? null,
      code: error.code === 'unauthenticated' ? 'invalid_api_key' : error.code,
    },
  };
}

/** Anthropic's error object, used on its Messages API. */
export interface AnthropicErrorBody {
  readonly type: 'error';
  readonly error: { readonly type: string; readonly message: string };
}

export function toAnthropicError(error: PlatformError): AnthropicErrorBody {
  return { type: 'error', error: { type: anthropicType(error.status), message: error.message } };
}

/** `Retry-After` in whole seconds, at least 1, or undefined when waiting does not help. */
export function retryAfterSeconds(error: PlatformError): number | undefined {
  if (error.retry_after_ms !== undefined) return Math.max(1, Math.ceil(error.retry_after_ms / 1000));
  return error.status === 429 || error.status === 503 ? 1 : undefined;
}

const ANTHROPIC_TYPES: Readonly<Record<number, string>> = {
  401: 'authentication_error',
  403: 'permission_error',
  404: 'not_found_error',
  413: 'request_too_large',
  429: 'rate_limit_error',
  503: 'overloaded_error',
  504: 'timeout_error',
};

function anthropicType(status: number): string {
  return ANTHROPIC_TYPES[status] ?? (status >= 500 ? 'api_error' : 'invalid_request_error');
}

function openAiType(status: number): string {
  if (status === 401) return 'authentication_error';
  if (status === 403) return 'permission_error';
  if (status === 429) return 'rate_limit_error';
  return status >= 500 ? 'server_error' : 'invalid_request_error';
}

type Issue = ZodError['issues'][number];

/** Of a failed union, the branch that came furthest says most about what was meant. */
function deepest(issue: Issue): Issue {
  if (issue.code !== 'invalid_union') return issue;
  const branches = issue.errors.flatMap((branch) => (branch[0] === undefined ? [] : [branch[0] as Issue]));
  const inner = branches.map((one) => ({ ...one, path: [...issue.path, ...one.path] }) as Issue);
  // What is only too much was of the right kind.
  const bound = inner.find(({ code }) => code === 'too_big');
  if (bound !== undefined) return bound;
  const best = inner.sort((a, b) => b.path.length - a.path.length)[0];
  if (best === undefined || best.path.length === issue.path.length) return issue;
  return deepest(best);
}

const KINDS: Readonly<Record<string, string>> = {
  string: 'a text',
  number: 'a number',
  int: 'a whole number',
  boolean: 'true or false',
  array: 'a list',
  object: 'an object',
  record: 'an object',
};
const FORMATS: Readonly<Record<string, string>> = {
  uuid: 'a UUID',
  url: 'a URL',
  datetime: 'a time such as 2026-01-31T12:00:00Z',
};
const UNITS: Readonly<Record<string, string>> = { string: ' characters', array: ' items' };

/** The rule that an issue breaks, as a clause. Rules that a schema words itself are kept. */
function rule(issue: Issue): string {
  if (!/^(Invalid|Too |Unrecognized)/.test(issue.message)) return issue.message;
  switch (issue.code) {
    case 'invalid_type': {
      const kind = KINDS[issue.expected] ?? issue.expected;
      return issue.message.endsWith('received undefined')
        ? `is required and must be ${kind}`
        : `must be ${kind}`;
    }
    case 'too_big':
      return `must ${quantity(issue.origin, `at most ${issue.maximum}`)}`;
    case 'too_small':
      return `must ${quantity(issue.origin, `at least ${issue.minimum}`)}`;
    case 'invalid_value':
      return `must be ${either(issue.values.map((value) => JSON.stringify(value)))}`;
    case 'invalid_format':
      return `must be ${FORMATS[issue.format] ?? `of the format ${issue.format}`}`;
    case 'invalid_key':
      return issue.issues[0] === undefined ? issue.message : rule(issue.issues[0] as Issue);
    case 'invalid_union': {
      const options = issue.message.match(/'[^']*'/g);
      return `must be ${either(options ?? issue.errors.flatMap(([first]) => (first === undefined ? [] : [expectation(first)])))}`;
    }
    default:
      return issue.message;
  }
}

function expectation(
  issue: NonNullable<Extract<Issue, { code: 'invalid_union' }>['errors'][number][number]>,
): string {
  return rule(issue as Issue).replace(/^(is required and )?must (be )?/, '');
}

function quantity(origin: string, bound: string): string {
  const unit = UNITS[origin];
  if (unit === undefined) return `be ${bound}`;
  return `have ${bound}${bound.endsWith(' 1') ? unit.slice(0, -1) : unit}`;
}

function either(options: readonly string[]): string {
  const distinct = [...new Set(options)];
  return distinct.length < 2
    ? distinct.join('')
    : `${distinct.slice(0, -1).join(', ')} or ${distinct.at(-1)}`;
}

function valueAt(input: unknown, path: readonly PropertyKey[]): unknown {
  let value = input;
  for (const key of path) {
    if (typeof value !== 'object' || value === null || typeof key === 'symbol') return undefined;
    if (!Object.hasOwn(value, key)) return undefined;
    value = (value as Record<string | number, unknown>)[key];
  }
  return typeof value === 'object' && value !== null ? undefined : value;
}

function clip(text: string): string {
  return text.length > 80 ? `${text.slice(0, 77)}...` : text;
}
