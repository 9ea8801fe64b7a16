/** What every service is built on: configuration, HTTP, errors, telemetry, clients, the event bus, life cycle. */

export { apiApp } from './api-server.ts';
export {
  MAX_BODY_BYTES,
  parseBody,
  parseJson,
  parseNestedQuery,
  parseQuery,
  refuseBody,
  uuidParam,
} from './body.ts';
export { type Bus, connectBus, LOSABLE } from './bus.ts';
export { type CallScope, callScope } from './call-scope.ts';
export type { Clients } from './clients.ts';
export {
  CommonEnv,
  ConfigError,
  loadConfig,
  portVariable,
  signingKeyVariable,
  urlVariable,
} from './config.ts';
export { streamBytes } from './download.ts';
export {
  fromZod,
  retryAfterSeconds,
  toAnthropicError,
  toOpenAiError,
  toPlatformError,
  toProblem,
} from './errors.ts';
export { EventQueue } from './event-queue.ts';
export { FLAGS, type FlagName, type FlagState, type Flags, flagStates } from './flags.ts';
export {
  baseApp,
  errorResponse,
  internalApp,
  type KitContext,
  type KitEnv,
  type RequestState,
  textAnswer,
} from './http.ts';
export { type HttpAnswer, httpCall } from './http-call.ts';
export { restoreError } from './http-client.ts';
export { type IdentityRow, keySetOf, TokenSigner } from './identity.ts';
export { createLogger, type Logger } from './log.ts';
export type { Metrics } from './metrics.ts';
export { ownCall } from './own-call.ts';
export { Reports } from './reports.ts';
export { RetryBudget } from './retry-budget.ts';
export { runMain, type StartedServices, startServices } from './run.ts';
export {
  createKit,
  defineService,
  type LocalApis,
  type ServiceDefinition,
  type ServiceInstance,
  type ServiceKit,
} from './service.ts';
export {
  type EventStreamOptions,
  errorFields,
  ndjson,
  type StreamOptions,
  streamEvents,
  streamText,
} from './stream.ts';
export { METRICS, type MetricName, type MetricRow } from './taxonomy.ts';
export type { Span, Tracer } from './telemetry.ts';
export { openTraceStore, readTrace } from './trace-store.ts';
export { acceptWebSocket } from './upgrade.ts';
