/** Anthropic's Messages API as pure codecs between it and the platform's own requests and events. */
export { encodeAnthropicModel } from './model.ts';
export { anthropicMessages, fromAnthropic } from './request.ts';
export { type AnthropicOptions, encodeAnthropicMessage } from './response.ts';
export { anthropicEncoder } from './stream.ts';
