/** What a request needs of a model, and whether a server of one has it: the filters before every strategy. */
import {
  type Capability,
  type ChatCompletionRequest,
  type ErrorCode,
  type ModelAlias,
  type ModelInfo,
  PlatformError,
} from '@mcp/contracts';
import type { Stay } from '../residency.ts';

/** Left for an answer whose length is not limited. */
const ANSWER_TOKENS = 256;
/** The usual length of a token in Latin script, and what a picture takes (OpenAI's 512 × 512 tiles, one of each). */
const CHARS_PER_TOKEN = 4;
const PICTURE_TOKENS = 255;

export interface Demands {
  readonly capabilities: readonly Capability[];
  /** Of these it must be known that the model can. */
  readonly known: readonly Capability[];
  readonly stay: Stay;
  readonly input_tokens: number;
  readonly output_tokens: number;
}

export type Lack = 'residency' | 'capability' | 'context';

export function demandsOf(request: ChatCompletionRequest, stay: Stay, alias: ModelAlias): Demands {
  const { tokens, pictures } = sizeOf(request);
  const asked = new Set<Capability>();
  if (request.tools != null && request.tools.length > 0) asked.add('tools');
  if (request.response_format?.type === 'json_schema') asked.add('json_schema');
  if (request.logprobs === true) asked.add('logprobs');
  if (pictures > 0) asked.add('images');
  return {
    capabilities: [...asked],
    known: alias.needs,
    stay,
    input_tokens: tokens,
    output_tokens: request.max_completion_tokens ?? request.max_tokens ?? ANSWER_TOKENS,
  };
}

/** What a model lacks; undefined: it may be asked. */
export function lackOf(info: ModelInfo, demands: Demands): Lack | undefined {
  if (!demands.stay.allows(info)) return 'residency';
  const { capabilities } = info;
  if (!demands.known.every((one) => capabilities?.includes(one) === true)) return 'capability';
  if (capabilities !== undefined && !demands.capabilities.every((one) => capabilities.includes(one)))
    return 'capability';
  return demands.input_tokens + demands.output_tokens > info.max_context ? 'context' : undefined;
}

const REFUSALS = {
  residency: ['wrong_region', 'is known to be processed where this request must stay. Nothing was sent'],
  capability: ['unsupported_parameter', 'can do what this request needs'],
  context: [
    'context_length_exceeded',
    'holds so many tokens. Send fewer messages or ask for a shorter answer',
  ],
} as const satisfies Record<Lack, readonly [ErrorCode, string]>;

/** Why none of an alias's models may be asked: of several reasons the one that is closest to having one. */
export function refusal(alias: string, lacks: ReadonlySet<Lack>, demands: Demands): PlatformError {
  const lack = (['context', 'capability', 'residency'] as const).find((one) => lacks.has(one)) ?? 'residency';
  const [code, rule] = REFUSALS[lack];
  const values = {
    residency: demands.stay.places,
    capability: [...new Set([...demands.capabilities, ...demands.known])].join(', '),
    context: `about ${demands.input_tokens} of input and ${demands.output_tokens} of output`,
  } as const satisfies Record<Lack, string>;
  return new PlatformError(
    code,
    `No model of the alias '${alias}' ${rule} (${values[lack]}). Name a model that fits: GET /v1/models.`,
    { param: lack === 'context' ? 'messages' : 'model' },
  );
}

/** About how many tokens a request's messages and tools are. */
export function estimateTokens(request: ChatCompletionRequest): number {
  return sizeOf(request).tokens;
}

/** An estimate without a vocabulary: the context filter may be passed by what then does not fit, for which there is a chain. */
function sizeOf({ messages, tools }: ChatCompletionRequest): { tokens: number; pictures: number } {
  let chars = tools == null ? 0 : JSON.stringify(tools).length;
  let pictures = 0;
  for (const { content } of messages) {
    if (typeof content === 'string') chars += content.length;
    else
      for (const part of content ?? [])
        switch (part.type) {
          case 'text':
            chars += part.text.length;
            break;
          case 'refusal':
            chars += part.refusal.length;
            break;
          case 'image_url':
            pictures++;
            break;
          default:
            part satisfies never;
        }
  }
  return { tokens: Math.ceil(chars / CHARS_PER_TOKEN) + pictures * PICTURE_TOKENS, pictures };
}
