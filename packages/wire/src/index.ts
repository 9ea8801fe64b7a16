/** The wires of OpenAI and Anthropic as pure codecs between them and the platform's event stream. No I/O. */
export {
  type AnthropicOptions,
  anthropicEncoder,
  anthropicMessages,
  decodeAnthropicMessage,
  decodeAnthropicStream,
  encodeAnthropicMessage,
  encodeAnthropicModel,
  fromAnthropic,
  toAnthropic,
} from './anthropic/index.ts';
export { chatChunkEncoder, DONE_FRAME } from './chunk-encoder.ts';
export { completionEncoder, encodeCompletion, fromCompletion, inOneStream } from './completions.ts';
export { decodeChatCompletion } from './decode.ts';
export { decodeChatStream, decodeSse, type EventReader } from './decode-stream.ts';
export { decodeEmbeddings, encodeEmbeddings, encodeModel, encodeModelList } from './embeddings.ts';
export { errorFromBody, retryAfterMs, upstreamError } from './errors.ts';
export { givenOf, ignoredIn } from './ignored.ts';
export { fromPublicChat } from './legacy-functions.ts';
export { MAX_MERGED_CHARS, mergeEvents } from './merge.ts';
export { type Completion, collect, encodeChatCompletion, readFinish } from './openai-chat.ts';
export {
  asResponsesError,
  fromResponses,
  inputItems,
  ResponseEncoder,
  type ResponseEnd,
  type ResponseObject,
  responseMessages,
  responseOf,
  type Said,
  type SaidItem,
  withIds,
} from './responses/index.ts';
export { messageTokens, textsOf } from './tokens.ts';
export { type Block, inTurns } from './turns.ts';
