/** A chat completion in the words of generateContent. */
import { type ChatCompletionRequest, type ChatMessage, jsonOf } from '@mcp/contracts';
import { type Block, inTurns } from '@mcp/wire';
import { imageIn } from '../images.ts';
import { maxTokens, stops, textOf } from '../text.ts';

/** What Google documents for calls of which no signature was kept: a model that thinks wants one with each. */
const NO_SIGNATURE = 'skip_thought_signature_validator';

export function generateBody(request: ChatCompletionRequest): object {
  const { tools = [] } = request;
  return {
    ...contentsOf(request.messages),
    generationConfig: configOf(request),
    ...(tools.length === 0
      ? {}
      : {
          tools: [{ functionDeclarations: tools.map(declarationOf) }],
          ...choiceOf(request.tool_choice),
        }),
  };
}

/** The turns, and the system's instruction apart from them. */
export function contentsOf(messages: readonly ChatMessage[]): {
  contents: readonly object[];
  systemInstruction?: object;
} {
  const names = new Map<string, string>();
  const turns = inTurns(messages, (message) => turnOf(message, names));
  const system = messages.filter(({ role }) => role === 'system' || role === 'developer');
  return {
    contents: turns.map(({ role, blocks }) => ({ role, parts: blocks })),
    ...(system.length === 0
      ? {}
      : { systemInstruction: { parts: system.map((message) => ({ text: textOf(message) })) } }),
  };
}

/** `names` keeps which function a call was of, for its result says only the call. */
function turnOf(
  message: ChatMessage,
  names: Map<string, string>,
): { role: 'user' | 'model'; blocks: Block[] } | undefined {
  switch (message.role) {
    case 'system':
    case 'developer':
      return undefined;
    case 'user':
      return { role: 'user', blocks: partsOf(message) };
    case 'tool': {
      const name = names.get(message.tool_call_id) ?? message.tool_call_id;
      const said = textOf(message);
      const json = jsonOf(said);
      const response =
        typeof json === 'object' && json !== null && !Array.isArray(json) ? json : { result: said };
      return { role: 'user', blocks: [{ functionResponse: { name, response } }] };
    }
    case 'assistant': {
      const text = textOf(message);
      const calls = (message.tool_calls ?? []).map(({ id, function: { name, arguments: given } }, at) => {
        names.set(id, name);
        const signed = at === 0 ? { thoughtSignature: NO_SIGNATURE } : {};
        return { functionCall: { name, args: jsonOf(given) ?? {} }, ...signed };
      });
      return { role: 'model', blocks: [...(text === '' ? [] : [{ text }]), ...calls] };
    }
    default:
      return message satisfies never;
  }
}

function partsOf({ content }: Extract<ChatMessage, { role: 'user' }>): Block[] {
  if (typeof content === 'string') return [{ text: content }];
  return content.map((part): Block => {
    if (part.type === 'text') return { text: part.text };
    const { url } = part.image_url;
    const image = imageIn(url);
    if (image !== undefined) return { inlineData: { mimeType: image.media_type, data: image.data } };
    const [, kind = 'jpeg'] = /\.(png|webp|gif|heic)(?:\?|$)/i.exec(url) ?? [];
    return { fileData: { mimeType: `image/${kind.toLowerCase()}`, fileUri: url } };
  });
}

function configOf(request: ChatCompletionRequest): object {
  const stop = stops(request.stop);
  const format = request.response_format ?? { type: 'text' };
  const schema = format.type === 'json_schema' ? format.json_schema.schema : undefined;
  const given = {
    temperature: request.temperature,
    topP: request.top_p,
    topK: request.top_k,
    seed: request.seed,
    presencePenalty: request.presence_penalty,
    frequencyPenalty: request.frequency_penalty,
    candidateCount: request.n,
    ...(request.logprobs === true
      ? { responseLogprobs: true, logprobs: request.top_logprobs || undefined }
      : {}),
    maxOutputTokens: maxTokens(request),
    stopSequences: stop.length === 0 ? undefined : stop,
    responseMimeType: format.type === 'text' ? undefined : 'application/json',
    responseJsonSchema: schema,
    thinkingConfig:
      request.reasoning_effort == null
        ? undefined
        : { thinkingLevel: request.reasoning_effort.toUpperCase() },
  };
  return Object.fromEntries(Object.entries(given).filter(([, value]) => value != null));
}

type Tool = NonNullable<ChatCompletionRequest['tools']>[number];

function declarationOf({ function: { name, description, parameters } }: Tool): object {
  return {
    name,
    ...(description === undefined ? {} : { description }),
    ...(parameters === undefined ? {} : { parametersJsonSchema: parameters }),
  };
}

function choiceOf(choice: ChatCompletionRequest['tool_choice']): object {
  const config = (functionCallingConfig: object) => ({ toolConfig: { functionCallingConfig } });
  if (typeof choice === 'object')
    return config({ mode: 'ANY', allowedFunctionNames: [choice.function.name] });
  switch (choice) {
    case undefined:
    case 'auto':
      return {};
    case 'none':
      return config({ mode: 'NONE' });
    case 'required':
      return config({ mode: 'ANY' });
    default:
      return choice satisfies never;
  }
}
