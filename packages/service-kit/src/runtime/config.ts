import { jsonText, listText, type ServiceName, ServiceName as ServiceNames } from '@mcp/contracts';
import { z } from 'zod';
import { ServiceKeySet } from './identity.ts';

/** Environment that every service understands. Names are documented in docs/configuration.md. */
export const CommonEnv = z.object({
  MCP_HOST: z.string().default('127.0.0.1'),
  MCP_DATA: z.string().min(1).default('./data'),
  MCP_REGION: z.string().default('local'),
  MCP_LOG_LEVEL: z.enum(['trace', 'debug', 'info', 'warn', 'error', 'fatal', 'silent']).default('info'),
  /** Public keys of all services of the platform, as JSON. */
  MCP_SERVICE_JWKS: jsonText(ServiceKeySet, 'must be JSON: a key set, made by: npx mcp identity'),
  MCP_NATS_URL: z.string().default('nats://127.0.0.1:4222'),
  MCP_BUS_REPLICAS: z.coerce
    .number()
    .int()
    .refine((value) => [1, 3, 5].includes(value), 'must be 1, 3 or 5')
    .default(1),
  MCP_IN_PROCESS: listText(z.array(ServiceNames)).default([]),
  /** Whether spans go to the trace store on the event bus. */
  MCP_TRACE_STORE: z.stringbool().default(false),
  /** New traces that are kept per second; of further ones only spans that fail are. */
  MCP_TRACES_PER_SECOND: z.coerce.number().int().min(0).max(1_000_000).default(100),
  /** How long a caller waits for a service that is just coming back, before it says so. */
  MCP_CONNECT_TIMEOUT_MS: z.coerce.number().int().min(0).max(60_000).default(4000),
  /** A port for `GET /metrics` alone, without a token: for a network that lets only Prometheus at it. */
  MCP_METRICS_PORT: z.coerce.number().int().min(0).max(65_535).optional(),
  OTEL_EXPORTER_OTLP_ENDPOINT: z.url().optional(),
});
export type CommonEnv = z.infer<typeof CommonEnv>;

/** `MCP_CORE_URL`, `MCP_MODEL_GATEWAY_URL`, …: where a service is to be found. */
export function urlVariable(name: ServiceName): string {
  return `MCP_${name.toUpperCase().replaceAll('-', '_')}_URL`;
}

/** `MCP_CORE_PORT`, …: the port a service listens on instead of its manifest's. */
export function portVariable(name: ServiceName): string {
  return `MCP_${name.toUpperCase().replaceAll('-', '_')}_PORT`;
}

/** `MCP_CORE_SIGNING_KEY`, …: what a service makes the key from that it signs its calls with. */
export function signingKeyVariable(name: ServiceName): string {
  return `MCP_${name.toUpperCase().replaceAll('-', '_')}_SIGNING_KEY`;
}

/** Configuration that does not fit. The message lists every variable with its rule; values are never shown. */
export class ConfigError extends Error {
  override readonly name = 'ConfigError';
}

/** Reads the environment by a schema. Empty variables count as unset. Throws {@link ConfigError}. */
export function loadConfig<S extends z.ZodType>(schema: S, env: NodeJS.ProcessEnv): z.output<S> {
  const present = Object.fromEntries(
    Object.entries(env).filter(([, value]) => value !== undefined && value !== ''),
  );
  const parsed = schema.safeParse(present);
  if (parsed.success) return parsed.data;
  const lines = parsed.error.issues.map((issue) => {
    const name = String(issue.path[0] ?? '?');
    const state = name in present ? 'is set but' : 'is not set:';
    return `  ${name} ${state} ${issue.message}`;
  });
  throw new ConfigError(
    `The environment does not fit. Set these variables and start again:\n${lines.join('\n')}`,
  );
}
