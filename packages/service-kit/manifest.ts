/** What every service reads of its environment and records, whatever it is for. */
import {
  counter,
  defineMetrics,
  defineSettings,
  gauge,
  histogram,
  jsonText,
  listText,
  ServiceKeySet,
  ServiceName,
  type Setting,
  serviceVariable,
  wholeText,
} from '@mcp/contracts';
import { z } from 'zod';

/** Largest body of a request, where nothing else is said. */
export const MAX_BODY_BYTES = 4 * 1024 * 1024;

/** Variables of every service. */
export const commonSettings = defineSettings({
  MCP_HOST: { schema: z.string().default('127.0.0.1'), meaning: 'Address to listen on.', from: 'at.host' },
  MCP_DATA: {
    schema: z.string().min(1).default('./data'),
    meaning: 'Directory for what must survive: logs and state.',
    from: 'at.data_dir',
  },
  MCP_REGION: { schema: z.string().default('local'), meaning: 'Region it runs in.', from: 'at.region' },
  MCP_LOG_LEVEL: {
    schema: z.enum(['trace', 'debug', 'info', 'warn', 'error', 'fatal', 'silent']).default('info'),
    meaning: 'trace, debug, info, warn, error, fatal or silent.',
    from: 'stack.log_level',
    operator: true,
  },
  MCP_SERVICE_JWKS: {
    schema: jsonText(ServiceKeySet, 'must be JSON: a key set, made by: npx mcp identity'),
    meaning: 'Public keys of all services and what each may do, as JSON; made by `npx mcp identity`.',
    secret: { object: 'mcp-service-keys', key: 'jwks', made: { by: 'key-set' } },
  },
  MCP_IN_PROCESS: {
    schema: listText(z.array(ServiceName)).prefault(''),
    meaning: 'Services that run in the same process, comma-separated; calls between them are in process.',
    from: 'derived.in_process',
  },
  MCP_TRACE_STORE: {
    schema: z.stringbool().default(false),
    meaning:
      'true: spans go to the trace store on the event bus, which `npx mcp trace` and the console read.',
    from: 'derived.trace_store',
    operator: true,
  },
  MCP_TRACES_PER_SECOND: {
    schema: wholeText(0, 1_000_000).default(100),
    meaning: 'New traces that a service keeps per second; of further ones only spans that fail are kept.',
    operator: true,
  },
  MCP_CONNECT_TIMEOUT_MS: {
    schema: wholeText(0, 60_000).default(4000),
    meaning: 'How long a service that is just coming back is waited for, before a caller is told.',
    operator: true,
  },
  MCP_METRICS_PORT: {
    schema: wholeText(0, 65_535).optional(),
    meaning:
      'Port of the process for GET /metrics alone, without a token, where a network lets only Prometheus at it.',
    from: 'at.metrics_port',
  },
  OTEL_EXPORTER_OTLP_ENDPOINT: {
    schema: z.url().optional(),
    meaning: 'OTLP/HTTP endpoint; unset, spans go to the trace store on the event bus only.',
    operator: true,
  },
});

/** Variables of every service that needs the event bus. */
export const busSettings = defineSettings({
  MCP_NATS_URL: {
    schema: z.string().default('nats://127.0.0.1:4222'),
    meaning: 'Event bus (NATS with JetStream), user and password included.',
    from: 'derived.bus_url',
    sensitive: true,
  },
  MCP_BUS_REPLICAS: {
    schema: wholeText(1, 5)
      .refine((value) => value % 2 === 1, 'must be 1, 3 or 5')
      .default(1),
    meaning: 'Servers of the event bus that keep a copy of each stream and bucket: 1, 3 or 5.',
    from: 'at.nats_copies',
  },
});

/** Shortest text that a signing key is made from. */
const MIN_SECRET_CHARS = 32;

/** The variable of a service that calls others: a service has its own key only. */
export function signingKeySetting(name: ServiceName): { readonly [variable: string]: Omit<Setting, 'from'> } {
  return {
    [serviceVariable(name, 'SIGNING_KEY')]: {
      schema: z
        .string()
        .min(
          MIN_SECRET_CHARS,
          `has fewer than ${MIN_SECRET_CHARS} characters. Make one: openssl rand -hex 32`,
        )
        .optional(),
      meaning: `What ${name} makes the key from that it signs its calls with, at least ${MIN_SECRET_CHARS} characters.`,
      secret: { object: `mcp-identity-${name}`, key: 'signing_key', made: { by: 'signing-key' } },
    },
  };
}

const REQUEST = ['endpoint', 'status', 'model', 'phase'] as const;
/** Probes and scrapes are requests too, but nobody's experience of the platform. */
export const NOT_PROBES = '!~/healthz|/readyz|/metrics';

/** Metrics of every service. */
export const commonMetrics = defineMetrics({
  service_requests_total: counter('service_request', REQUEST, {
    help: 'HTTP requests answered, by route pattern and status.',
    panels: [{ dashboard: 'overview', title: 'Requests', by: ['service'], match: { endpoint: NOT_PROBES } }],
  }),
  service_request_duration_seconds: histogram('latency_histogram', REQUEST, {
    help: 'Time from the request line to the last byte of the answer.',
    panels: [
      {
        dashboard: 'overview',
        title: 'Time to answer, p95',
        by: ['service'],
        match: { endpoint: NOT_PROBES },
      },
    ],
  }),
  service_errors_total: counter('error_count', ['endpoint', 'status', 'model', 'phase', 'code'], {
    help: 'Requests answered with an error, by error code.',
    panels: [{ dashboard: 'overview', title: 'Errors', by: ['service', 'code'] }],
  }),
  service_requests_in_flight: gauge('service_request', [], {
    help: 'HTTP requests being answered now.',
    per_pod: true,
    panels: [{ dashboard: 'overview', title: 'Requests in flight', by: ['service'] }],
  }),
  trace_spans_dropped_total: counter('error_count', [], {
    help: 'Spans that did not reach the trace store: the event bus was away for too long.',
    panels: [{ dashboard: 'overview', title: 'Spans that were not kept', by: ['service'] }],
  }),
  cache_hit_ratio: gauge('cache_hit_ratio', ['cache'], {
    unit: 'ratio',
    help: 'Hits over look-ups of a cache since start.',
    panels: [{ dashboard: 'overview', title: 'Cache hits', by: ['service', 'cache'] }],
  }),
});
