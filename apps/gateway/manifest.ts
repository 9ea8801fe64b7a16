import { createRequire } from 'node:module';
import { dirname, join } from 'node:path';
import {
  counter,
  defineManifest,
  FlagList,
  jsonText,
  LIVE_SUBJECTS,
  listText,
  onlyWith,
  RegionRoute,
  RIGHTS_SUBJECT,
  TRACE_STREAM,
  TRACE_SUBJECTS,
  wholeText,
} from '@mcp/contracts';
import { budgetMetrics } from '@mcp/conversation/manifest';
import { backendSettings, RemoteBackendList, RemoteBackendName } from '@mcp/model-backends/registry';
import { residencySettings, servingMetrics, servingSettings } from '@mcp/model-serving/manifest';
import {
  outlierMetrics,
  outlierSettings,
  piiMetrics,
  piiSettings,
  riskMetrics,
  riskSettings,
  safetyMetrics,
  safetySettings,
} from '@mcp/safety/manifest';
import { MAX_BODY_BYTES } from '@mcp/service-kit/manifest';
import { z } from 'zod';
import { SecureUrl } from './src/auth/secure-url.ts';

const Origin = z
  .url('must be origins such as https://app.example.com, separated by commas')
  .transform((value) => new URL(value).origin);

export const manifest = defineManifest({
  name: 'gateway',
  summary: 'API gateway: authentication, admission, the public interface and the console.',
  port: 8000,
  entry: 'apps/gateway/src/main.ts',
  calls: ['core', 'model-gateway', 'task-engine', 'governance', 'transparency-log'],
  speaks_for: 'anyone',
  needs: ['nats', 'collector'],
  bus: {
    streams: { [TRACE_STREAM]: [TRACE_SUBJECTS] },
    buckets: ['mcp_keys', 'mcp_pii'],
    shared: ['mcp_keys'],
    publishes: Object.values(LIVE_SUBJECTS),
    subscribes: [...Object.values(LIVE_SUBJECTS), RIGHTS_SUBJECT],
  },
  egress: ['identity-provider', 'moderation'],
  public: true,
  size: { cpu_request: '250m', cpu_limit: '1', memory_request: '192Mi', memory_limit: '512Mi' },
  scaling: { on: 'cpu', min: 2, max: 10, target_percent: 65 },
  slo: { p95_ms: 800, error_ratio: 0.02 },
  drain_s: 20,
  settings: {
    ...safetySettings,
    ...outlierSettings,
    ...residencySettings,
    ...riskSettings,
    ...piiSettings,
    ...onlyWith('MCP_REMOTE_BACKENDS', { ...backendSettings(RemoteBackendName.options), ...servingSettings }),
    // Which models a text may come to is asked wherever they are served.
    MODEL_FALLBACKS: servingSettings.MODEL_FALLBACKS,
    MODEL_ALIASES: servingSettings.MODEL_ALIASES,
    MCP_REMOTE_BACKENDS: {
      schema: RemoteBackendList.prefault(''),
      meaning:
        'Backends of servers elsewhere that the gateway asks itself, comma-separated; the model-gateway has all.',
      from: 'derived.gateway_backends',
    },
    MCP_ADMIN_KEY_HASH: {
      schema: z
        .string()
        .regex(/^[0-9a-f]{64}$/, 'must be the SHA-256 of the admin key, as 64 hex digits')
        .optional(),
      meaning: 'SHA-256 (hex) of the first admin key, which works without the event bus.',
      secret: {
        object: 'mcp-admin-key',
        key: 'hash',
        made: { by: 'sha256', of: { name: 'admin-key', file: 'admin', key: 'key', prefix: 'mcp_' } },
      },
    },
    MCP_OIDC_ISSUER: {
      schema: SecureUrl.optional(),
      meaning: 'Issuer whose JWTs are accepted; unset, only API keys are.',
      from: 'stack.identity_provider.issuer',
      operator: true,
      requires: ['MCP_OIDC_AUDIENCE'],
    },
    MCP_OIDC_AUDIENCE: {
      schema: z.string().min(1).optional(),
      meaning: 'Audience those JWTs must name.',
      from: 'stack.identity_provider.audience',
      operator: true,
    },
    MCP_OIDC_SCOPE_PREFIX: {
      schema: z.string().max(100).default('mcp:'),
      meaning: 'What stands before a scope of this platform in those JWTs: mcp: unless said otherwise.',
      from: 'stack.identity_provider.scope_prefix',
      operator: true,
    },
    MCP_JWKS_URL: {
      schema: SecureUrl.optional(),
      meaning: "Where the issuer's keys are; unset, found by discovery.",
      from: 'stack.identity_provider.jwks_url',
      operator: true,
    },
    MCP_RATE_REQUESTS_PER_MINUTE: {
      schema: wholeText(1, 10_000_000).default(6000),
      meaning: 'Requests one caller may send per minute.',
      from: 'stack.limits.requests_per_minute',
      operator: true,
    },
    MCP_MAX_PARALLEL_REQUESTS: {
      schema: wholeText(1, 100_000).default(512),
      meaning: 'Requests one caller may have open at once.',
      from: 'stack.limits.max_parallel_requests',
      operator: true,
    },
    MCP_MAX_BODY_BYTES: {
      schema: wholeText(1024, MAX_BODY_BYTES).default(MAX_BODY_BYTES),
      meaning: 'Largest request body.',
      from: 'stack.limits.max_body_bytes',
      operator: true,
    },
    MCP_REQUEST_TIMEOUT_MS: {
      schema: wholeText(1000, 3_600_000).default(600_000),
      meaning: 'Deadline of a request that names none.',
      from: 'stack.limits.request_timeout_ms',
      operator: true,
    },
    MCP_STREAM_HIGH_WATERMARK: {
      schema: wholeText(1, 100_000).default(1000),
      meaning:
        'Requests under way in one process beyond which streams send fewer, larger pieces, at most every 40 ms.',
      from: 'stack.limits.stream_high_watermark',
      operator: true,
    },
    MCP_REGIONS: {
      schema: jsonText(z.array(RegionRoute)).prefault('[]'),
      meaning: 'The routing table, as JSON: every region with residency and URL, this one first.',
      from: 'derived.region_routes',
    },
    MCP_FLAGS: {
      schema: FlagList.prefault('[]'),
      meaning: 'Every feature flag of the platform with its default, as JSON, for administrators to see.',
      from: 'derived.flag_list',
    },
    MCP_TRACE_STORE_BYTES: {
      schema: z.coerce
        .number()
        .int()
        .min(1_000_000)
        .default(128 * 1024 * 1024),
      meaning: 'Size of the trace store on the event bus; the oldest traces make room for new ones.',
      operator: true,
    },
    MCP_CORS_ORIGINS: {
      schema: listText(z.array(Origin).max(64)).prefault(''),
      meaning: 'Origins of browser applications that may call the API, comma-separated; unset, none.',
      operator: true,
    },
    MCP_CONSOLE_DIR: {
      schema: z.string().min(1).default(builtConsole),
      meaning: "Directory of the built console; unset, the checkout's own.",
      operator: true,
    },
  },
  flags: {
    RECORD_COMPLETIONS_ENABLED: {
      default: true,
      description:
        'Keep responses, and completions that ask for it with `store: true`, with a conversation log of each.',
    },
    RISK_ROUTING_ENABLED: {
      default: false,
      description:
        'Route completions by their risk: a safer model, a second model that checks, no tools, or refusal.',
    },
  },
  metrics: {
    gateway_admission_rejected_total: counter('error_count', ['code'], {
      help: 'Requests refused before any model was asked: rate limit, full queue, too many in flight.',
      panels: [{ dashboard: 'overview', title: 'Refused before any model', by: ['code'] }],
    }),
    gateway_stream_disconnects_total: counter('error_count', ['endpoint'], {
      help: 'Streams whose client left before the end.',
      panels: [{ dashboard: 'overview', title: 'Clients that left a stream', by: ['endpoint'] }],
    }),
    ...servingMetrics,
    ...budgetMetrics,
    ...safetyMetrics,
    ...outlierMetrics,
    ...riskMetrics,
    ...piiMetrics,
  },
});

/** Where the console's package is built to; where that package is not, as in an image, beside what is started. */
function builtConsole(): string {
  try {
    return join(dirname(createRequire(import.meta.url).resolve('@mcp/console/package.json')), 'dist');
  } catch {
    return './console';
  }
}
