/** Anthropic's Messages API as pure codecs between it and the platform's own requests and events. */
export { decodeAnthropicMessage, decodeAnthropicStream } from './answer.ts';
export { toAnthropic } from './ask.ts';
export { encodeAnthropicModel } from './model.ts';
export { anthropicMessages, fromAnthropic } from './request.ts';
export { type AnthropicOptions, encodeAnthropicMessage } from './response.ts';
export { anthropicEncoder } from './stream.ts';
