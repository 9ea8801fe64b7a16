/** Texts as tokens of OpenAI's vocabularies: clients count them by tiktoken, and send what they counted. */
import { type ChatMessage, PlatformError } from '@mcp/contracts';

/**
 * The models that tiktoken has `o200k_base` for, by its own table of prefixes. For every name that it does not know,
 * which are most here, clients take `cl100k_base`, the vocabulary of OpenAI's embedding models.
 */
const O200K = /^(ft:)?(gpt-4o|gpt-4\.1|gpt-4\.5|gpt-5|gpt-oss|chatgpt-4o|o1|o3|o4-mini)(-|:|$)/;

/** The older ones of OpenAI's own, which have `cl100k_base`. */
const CL100K = /^(ft:)?(gpt-4|gpt-3\.5-turbo|gpt-35-turbo)(-|:|$)/;

/** What OpenAI's template adds to each message, its role included, and to all of them (OpenAI Cookbook, "How to count tokens with tiktoken"). */
const MESSAGE_TOKENS = 4;
const REPLY_TOKENS = 3;

/** Characters that the tokens of one request may stand for: as many as a body of texts has room for. */
const MAX_CHARS = 4 * 1024 * 1024;

type Vocabulary = 'cl100k_base' | 'o200k_base';

function vocabularyOf(model: string): Vocabulary {
  return O200K.test(model) ? 'o200k_base' : 'cl100k_base';
}

/** Loaded on first use, for they are large. */
async function decoderOf(vocabulary: Vocabulary): Promise<(tokens: readonly number[]) => string> {
  const { decode } =
    vocabulary === 'o200k_base'
      ? await import('gpt-tokenizer/encoding/o200k_base')
      : await import('gpt-tokenizer/encoding/cl100k_base');
  return (tokens) => decode(tokens as number[]);
}

type TextInput = string | readonly string[] | readonly number[] | readonly (readonly number[])[];

/** Texts of a field that may hold tokens instead. Throws `invalid_request` for what is no token of the vocabulary. */
export async function textsOf(
  input: TextInput,
  { model, param }: { readonly model: string; readonly param: string },
): Promise<readonly string[]> {
  if (typeof input === 'string') return [input];
  if (isTexts(input)) return input;
  const vocabulary = vocabularyOf(model);
  const decode = await decoderOf(vocabulary);
  const lists = isFlat(input) ? [input] : input;
  let chars = 0;
  return lists.map((tokens, at) => {
    const where = isFlat(input) ? param : `${param}.${at}`;
    if (chars > MAX_CHARS)
      throw new PlatformError(
        'payload_too_large',
        `${param}: has tokens of more than ${MAX_CHARS} characters. Send fewer at once.`,
        { param },
      );
    try {
      const text = decode(tokens);
      chars += text.length;
      return text;
    } catch (cause) {
      throw new PlatformError(
        'invalid_request',
        `${where}: has a number that is no token of ${vocabulary}, by which tokens are read for ${model.slice(0, 80)}. Send the text itself.`,
        { param: where, cause },
      );
    }
  });
}

function isTexts(input: Exclude<TextInput, string>): input is readonly string[] {
  return typeof input[0] === 'string';
}

function isFlat(input: readonly number[] | readonly (readonly number[])[]): input is readonly number[] {
  return typeof input[0] === 'number';
}

/**
 * Tokens of messages: exact for texts to OpenAI's own models; else an estimate, for models that are not OpenAI's by
 * their newest vocabulary.
 */
export async function messageTokens(
  messages: readonly ChatMessage[],
  model: string,
): Promise<{ readonly tokens: number; readonly exact: boolean }> {
  const cl100k = CL100K.test(model) && !O200K.test(model);
  const { encode } = cl100k
    ? await import('gpt-tokenizer/encoding/cl100k_base')
    : await import('gpt-tokenizer/encoding/o200k_base');
  // What looks like a control token in a text is text.
  const count = (text: string) => encode(text, { disallowedSpecial: new Set() }).length;
  const tokens = messages.reduce(
    (sum, message) => sum + MESSAGE_TOKENS + count(textIn(message)),
    REPLY_TOKENS,
  );
  return { tokens, exact: (cl100k || O200K.test(model)) && messages.every(isText) };
}

/** A message is nothing but its text: calls, pictures and names are counted in ways that OpenAI does not publish. */
function isText(message: ChatMessage): boolean {
  const more = message.role === 'assistant' && message.tool_calls !== undefined;
  return typeof message.content === 'string' && !more && message.role !== 'tool' && !('name' in message);
}

function textIn(message: ChatMessage): string {
  const calls = message.role === 'assistant' ? message.tool_calls : undefined;
  const content =
    typeof message.content === 'string' ? message.content : JSON.stringify(message.content ?? '');
  return calls === undefined ? content : `${content}${JSON.stringify(calls)}`;
}
