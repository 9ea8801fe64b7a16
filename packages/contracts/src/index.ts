/** The platform's contracts: schemas, ids, events, error codes. No logic. */

export * from './api/call.ts';
export * from './api/core.ts';
export * from './api/endpoint.ts';
export * from './api/governance.ts';
export * from './api/keys.ts';
export * from './api/live.ts';
export * from './api/model-gateway.ts';
export * from './api/task-engine.ts';
export * from './api/trace.ts';
export * from './conversation/chat.ts';
export * from './conversation/conversation.ts';
export * from './conversation/decision.ts';
export * from './models/anthropic.ts';
export * from './models/model.ts';
export * from './models/openai.ts';
export * from './tables/backend.ts';
export * from './tables/define.ts';
export * from './tables/errors.ts';
export * from './tables/governance.ts';
export * from './tables/jobs.ts';
export * from './tables/manifest.ts';
export * from './tables/region.ts';
export * from './tables/settings.ts';
export * from './tables/text.ts';
