/** The OpenAI wire as pure codecs between it and the platform's event stream. No I/O. */
export { type ChunkOptions, chatChunkEncoder, DONE_FRAME } from './chunk-encoder.ts';
export { decodeChatCompletion, decodeChatStream } from './decode.ts';
export { decodeEmbeddings, encodeEmbeddings, encodeModel, encodeModelList } from './embeddings.ts';
export { errorFromBody, retryAfterMs, type UpstreamFailure, upstreamError } from './errors.ts';
export {
  type Completion,
  type CompletionChoice,
  collect,
  encodeChatCompletion,
  readFinish,
  wireFinish,
  wireUsage,
} from './openai-chat.ts';
