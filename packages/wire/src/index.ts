/** The OpenAI wire as pure codecs between it and the platform's event stream. No I/O. */
export { chatChunkEncoder, DONE_FRAME } from './chunk-encoder.ts';
export { decodeChatCompletion } from './decode.ts';
export { decodeChatStream } from './decode-stream.ts';
export { decodeEmbeddings, encodeEmbeddings, encodeModel, encodeModelList } from './embeddings.ts';
export { errorFromBody, retryAfterMs, upstreamError } from './errors.ts';
export { type Completion, collect, encodeChatCompletion, readFinish } from './openai-chat.ts';
