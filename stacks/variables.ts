import type { ServiceName } from '@mcp/contracts';
import { BackendName } from '@mcp/model-backends/registry';
import { backendsOf, backendVariables, gatewayBackends } from './backends.ts';
import { busVariables } from './bus.ts';
import { databaseVariables } from './database.ts';
import type { Environment } from './environment.ts';
import { serviceVariable, signingKeyOf, signingServices } from './identities.ts';
import { routesOf } from './peers.ts';
import type { Stack } from './schema.ts';

/**
 * Which services get a variable: these, all, those whose manifest needs the event bus, or those that ask models of
 * servers elsewhere: the model-gateway, and the gateway where there are such models.
 */
export type Scope = readonly ServiceName[] | 'all' | 'bus' | 'remote';

/** One environment variable of the platform. `docs/configuration.md` is generated from these rows. */
export interface VariableRow {
  readonly name: string;
  readonly for: Scope;
  readonly meaning: string;
  /** What the stack and its deployment context say. Undefined: the service's own default holds. */
  readonly value?: (environment: Environment) => string | undefined;
  /** True when an operator may set it around the platform, which wins over the stack. */
  readonly operator?: true;
  /** True when its value must never be shown. */
  readonly secret?: true;
}

const common: readonly VariableRow[] = [
  { name: 'MCP_HOST', for: 'all', meaning: 'Address to listen on.', value: ({ at }) => at.host },
  {
    name: 'MCP_DATA',
    for: 'all',
    meaning: 'Directory for what must survive: logs and state.',
    value: ({ at }) => at.data_dir,
  },
  { name: 'MCP_REGION', for: 'all', meaning: 'Region it runs in.', value: ({ at }) => at.region },
  {
    name: 'MCP_LOG_LEVEL',
    for: 'all',
    meaning: 'trace, debug, info, warn, error, fatal or silent.',
    value: ({ stack }) => stack.log_level,
    operator: true,
  },
  {
    name: 'MCP_SERVICE_JWKS',
    for: 'all',
    meaning: 'Public keys of all services and what each may do, as JSON; made by `npx mcp identity`.',
    value: ({ at }) => at.secret('service_jwks'),
    secret: true,
  },
  {
    name: 'MCP_IN_PROCESS',
    for: 'all',
    meaning: 'Services that run in the same process, comma-separated; calls between them are in process.',
    value: ({ placement }) =>
      placement.in_process.filter((name) => name !== placement.service).join(',') || undefined,
  },
  {
    name: 'MCP_TRACE_STORE',
    for: 'all',
    meaning:
      'true: spans go to the trace store on the event bus, which `npx mcp trace` and the console read.',
    value: () => 'true',
    operator: true,
  },
  {
    name: 'MCP_TRACES_PER_SECOND',
    for: 'all',
    meaning: 'New traces that a service keeps per second; of further ones only spans that fail are kept.',
    operator: true,
  },
  {
    name: 'MCP_CONNECT_TIMEOUT_MS',
    for: 'all',
    meaning: 'How long a service that is just coming back is waited for, before a caller is told.',
    operator: true,
  },
  {
    name: 'MCP_METRICS_PORT',
    for: 'all',
    meaning:
      'Port of the process for GET /metrics alone, without a token, where a network lets only Prometheus at it.',
    value: ({ at }) => (at.metrics_port === undefined ? undefined : String(at.metrics_port)),
  },
  {
    name: 'OTEL_EXPORTER_OTLP_ENDPOINT',
    for: 'all',
    meaning: 'OTLP/HTTP endpoint; unset, spans go to the trace store on the event bus only.',
    operator: true,
  },
];

const gateway: readonly VariableRow[] = [
  {
    name: 'MCP_ADMIN_KEY_HASH',
    for: ['gateway'],
    meaning: 'SHA-256 (hex) of the first admin key.',
    value: ({ at }) => at.secret('admin_key_hash'),
    secret: true,
  },
  {
    name: 'MCP_OIDC_ISSUER',
    for: ['gateway'],
    meaning: 'Issuer whose JWTs are accepted; unset, only API keys are.',
    value: ({ stack }) => stack.identity_provider?.issuer,
    operator: true,
  },
  {
    name: 'MCP_OIDC_AUDIENCE',
    for: ['gateway'],
    meaning: 'Audience those JWTs must name.',
    value: ({ stack }) => stack.identity_provider?.audience,
    operator: true,
  },
  {
    name: 'MCP_OIDC_SCOPE_PREFIX',
    for: ['gateway'],
    meaning: 'What stands before a scope of this platform in those JWTs: mcp: unless said otherwise.',
    value: ({ stack }) => stack.identity_provider?.scope_prefix,
    operator: true,
  },
  {
    name: 'MCP_JWKS_URL',
    for: ['gateway'],
    meaning: "Where the issuer's keys are; unset, found by discovery.",
    value: ({ stack }) => stack.identity_provider?.jwks_url,
    operator: true,
  },
  {
    name: 'MCP_RATE_REQUESTS_PER_MINUTE',
    for: ['gateway'],
    meaning: 'Requests one caller may send per minute.',
    value: ({ stack }) => String(stack.limits.requests_per_minute),
    operator: true,
  },
  {
    name: 'MCP_MAX_PARALLEL_REQUESTS',
    for: ['gateway'],
    meaning: 'Requests one caller may have open at once.',
    value: ({ stack }) => String(stack.limits.max_parallel_requests),
    operator: true,
  },
  {
    name: 'MCP_MAX_BODY_BYTES',
    for: ['gateway'],
    meaning: 'Largest request body.',
    value: ({ stack }) => String(stack.limits.max_body_bytes),
    operator: true,
  },
  {
    name: 'MCP_REQUEST_TIMEOUT_MS',
    for: ['gateway'],
    meaning: 'Deadline of a request that names none.',
    value: ({ stack }) => String(stack.limits.request_timeout_ms),
    operator: true,
  },
  {
    name: 'MCP_REGIONS',
    for: ['gateway'],
    meaning: 'The routing table, as JSON: every region with residency and URL, this one first.',
    value: ({ stack, at }) => {
      const here = stack.regions.find(({ name }) => name === at.region);
      return here && JSON.stringify(routesOf(stack, here, at.region_url ?? (() => undefined)));
    },
  },
  {
    name: 'MCP_TRACE_STORE_BYTES',
    for: ['gateway'],
    meaning: 'Size of the trace store on the event bus; the oldest traces make room for new ones.',
    operator: true,
  },
  {
    name: 'MCP_CORS_ORIGINS',
    for: ['gateway'],
    meaning: 'Origins of browser applications that may call the API, comma-separated; unset, none.',
    operator: true,
  },
  {
    name: 'MCP_CONSOLE_DIR',
    for: ['gateway'],
    meaning: "Directory of the built console; unset, the checkout's own.",
    operator: true,
  },
];

const core: readonly VariableRow[] = [
  {
    name: 'MAX_TOKENS',
    for: ['core'],
    meaning: 'Tokens of input and output together that one model call may have (blueprint 9.3).',
    value: ({ stack }) => String(stack.limits.max_tokens),
    operator: true,
  },
  {
    name: 'PROV_SECRET',
    for: ['core'],
    meaning: 'Signs conversation logs (HMAC-SHA256 over the head of the hash chain).',
    value: ({ at }) => at.secret('prov_secret'),
    secret: true,
  },
  ...databaseVariables,
  {
    name: 'MCP_LOG_ARCHIVE_URL',
    for: ['core'],
    meaning:
      'Object storage (S3) that logs are also kept in: s3://key:secret@bucket/prefix?endpoint=…&region=…; unset, files beside SQLite.',
    value: ({ at }) => at.secret('log_archive_url'),
    secret: true,
  },
  {
    name: 'MCP_PROMPTS_DIR',
    for: ['core'],
    meaning: 'Directory of your own prompts (Markdown files).',
    value: ({ at }) => `${at.data_dir}/prompts`,
    operator: true,
  },
];

const models: readonly VariableRow[] = [
  {
    name: 'MODEL_BACKENDS',
    for: ['model-gateway'],
    meaning: `Backends in use, comma-separated: ${BackendName.options.join(', ')}.`,
    value: ({ stack }) => backendsOf(stack).join(','),
    operator: true,
  },
  {
    name: 'MCP_REMOTE_BACKENDS',
    for: ['gateway'],
    meaning:
      'Backends of servers elsewhere that the gateway asks itself, comma-separated; the model-gateway has all.',
    value: ({ stack, placement, at }) =>
      gatewayBackends(stack, placement, at.operator?.MODEL_BACKENDS).join(',') || undefined,
  },
  ...backendVariables,
  {
    name: 'MCP_QUEUE_MAX_WAITING',
    for: 'remote',
    meaning: 'Inferences that may wait per model before callers are told to come back (429).',
    value: ({ stack }) => String(stack.limits.queue_max_waiting),
    operator: true,
  },
  {
    name: 'MODEL_CONCURRENCY',
    for: 'remote',
    meaning:
      'Most requests at once that a model of a server elsewhere gets, as JSON; unset, as many as it takes.',
    value: ({ stack }) => remoteConcurrency(stack),
    operator: true,
  },
  {
    name: 'MODEL_FALLBACKS',
    for: 'remote',
    meaning: 'Which model stands in for which, as JSON.',
    operator: true,
  },
];

const jobs: readonly VariableRow[] = [
  {
    name: 'MCP_JOB_MAX_ATTEMPTS',
    for: ['task-engine'],
    meaning: 'Attempts before a job is a dead letter.',
    operator: true,
  },
  {
    name: 'MCP_JOB_ACK_WAIT_MS',
    for: ['task-engine'],
    meaning: 'How long a job may go without a sign of life before it is given to another worker.',
    operator: true,
  },
  { name: 'MCP_JOB_CONCURRENCY', for: ['task-engine'], meaning: 'Jobs worked on at once.', operator: true },
  {
    name: 'MCP_JOB_RESULTS_BYTES',
    for: ['task-engine'],
    meaning: 'Size of the store for results of jobs on the event bus.',
    operator: true,
  },
  {
    name: 'MCP_JOB_SWEEP_MS',
    for: ['task-engine'],
    meaning: 'How often jobs that are in no queue are looked for and queued again.',
    operator: true,
  },
  {
    name: 'MCP_LOG_CHECK_SCHEDULE',
    for: ['governance'],
    meaning: 'When conversation logs are checked (cron).',
    operator: true,
  },
];

/** A service has its own key only. */
const identities: readonly VariableRow[] = signingServices.map((name) => ({
  name: serviceVariable(name, 'SIGNING_KEY'),
  for: [name],
  meaning: `What ${name} makes the key from that it signs its calls with, at least 32 characters.`,
  value: ({ at }) => at.secret(signingKeyOf(name)),
  secret: true,
}));

/** Every variable but the ports and URLs of services and the feature flags, which follow from their own tables. */
export const VARIABLES: readonly VariableRow[] = [
  ...common,
  ...busVariables,
  ...identities,
  ...gateway,
  ...core,
  ...models,
  ...jobs,
];

function remoteConcurrency(stack: Stack): string | undefined {
  const rows = stack.models.flatMap(({ id, backend, max_concurrency }) =>
    backend === 'embedded' || max_concurrency === undefined ? [] : [[id, max_concurrency] as const],
  );
  return rows.length === 0 ? undefined : JSON.stringify(Object.fromEntries(rows));
}
