/** OpenAI's Responses API as pure codecs between it and the platform's own requests and events. */
export { asResponsesError } from './errors.ts';
export { responseOf } from './ids.ts';
export { fromResponses, inputItems, responseMessages, type Said, type SaidItem, withIds } from './request.ts';
export type { ResponseObject } from './response.ts';
export { ResponseEncoder, type ResponseEnd } from './stream.ts';
