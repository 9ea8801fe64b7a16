/** The platform's contracts: schemas, ids, events, error codes. No logic. */
export * from './call.ts';
export * from './chat.ts';
export * from './conversation.ts';
export * from './decision.ts';
export * from './define.ts';
export * from './errors.ts';
export * from './governance.ts';
export * from './jobs.ts';
export * from './keys.ts';
export * from './live.ts';
export * from './manifest.ts';
export * from './model.ts';
export * from './openai.ts';
export * from './region.ts';
export * from './trace.ts';
