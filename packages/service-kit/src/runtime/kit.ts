import { mkdirSync } from 'node:fs';
import { resolve } from 'node:path';
import {
  coreEndpoints,
  governanceEndpoints,
  type ServiceManifest,
  type ServiceName,
  taskEngineEndpoints,
} from '@mcp/contracts';
import type { Hono } from 'hono';
import type { z } from 'zod';
import { apiClient } from '../clients/api-client.ts';
import { type Clients, httpModelGateway } from '../clients/clients.ts';
import { ServiceClient } from '../clients/http-client.ts';
import type { KitEnv } from '../http/context.ts';
import { createLogger, type Logger } from '../telemetry/log.ts';
import { Metrics } from '../telemetry/metrics.ts';
import { SpanPublisher, type SpanSink } from '../telemetry/trace-store.ts';
import { createTracer, type Tracer } from '../telemetry/tracer.ts';
import { type Bus, connectBus } from './bus.ts';
import { CommonEnv, ConfigError, loadConfig, signingKeyVariable, urlVariable } from './config.ts';
import { createFlags, type Flags } from './flags.ts';
import { CallerVerifier, TokenSigner } from './identity.ts';

/** Shortest text that a signing key is made from. */
const MIN_SECRET_CHARS = 32;

/** What a running service consists of. */
export interface ServiceInstance<Api> {
  readonly app: Hono<KitEnv>;
  readonly api: Api;
  /** Runs once the listener is closed and requests are done. */
  close(): Promise<void>;
}

/** A deployable: its manifest, its environment and how it is put together. */
export interface ServiceDefinition<Api, S extends z.ZodType = z.ZodType> {
  readonly manifest: ServiceManifest;
  readonly config: S;
  create(kit: ServiceKit<z.output<S>>): Promise<ServiceInstance<Api>>;
}

/** Everything a service is given. */
export interface ServiceKit<Config = unknown> {
  readonly name: ServiceName;
  readonly manifest: ServiceManifest;
  readonly config: Config;
  readonly common: CommonEnv;
  readonly log: Logger;
  readonly metrics: Metrics;
  readonly tracer: Tracer;
  readonly flags: Flags;
  readonly clients: Clients;
  readonly requests: RequestGauge;
  /** Absolute directory for what must survive. */
  readonly data_dir: string;
  /** Checks who calls this service. */
  readonly callers: CallerVerifier;
  /** Signs what this service calls; undefined where it calls nobody. */
  readonly signer: TokenSigner | undefined;
  /** The event bus, connected on first use and shared. */
  bus(): Promise<Bus>;
  /** True once the process has been asked to stop. */
  draining(): boolean;
  close(): Promise<void>;
}

/** Type-checks a definition where it is written. */
export function defineService<Api, S extends z.ZodType>(
  definition: ServiceDefinition<Api, S>,
): ServiceDefinition<Api, S> {
  return definition;
}

/** APIs of the services in this process, by name; filled as they start. */
export type LocalApis = Map<ServiceName, unknown>;

export interface KitOptions {
  readonly manifest: ServiceManifest;
  readonly env: NodeJS.ProcessEnv;
  readonly local: LocalApis;
  readonly draining: () => boolean;
}

/** Builds the kit of one service from the environment. Throws ConfigError. */
export async function createKit<S extends z.ZodType>(
  schema: S,
  options: KitOptions,
): Promise<ServiceKit<z.output<S>>> {
  const { manifest, env } = options;
  const common = loadConfig(CommonEnv, env);
  const config = loadConfig(schema, env);
  const data_dir = resolve(common.MCP_DATA);
  mkdirSync(data_dir, { recursive: true, mode: 0o700 });
  const log = createLogger(manifest.name, common.MCP_LOG_LEVEL);
  const metrics = new Metrics(manifest.name);
  const signer = signerOf(manifest.name, common, env);
  const remote = new RemoteClients({ name: manifest.name, common, env, signer });
  const closing = new AbortController();
  let connection: Promise<Bus> | undefined;
  const bus = () => {
    connection ??= connectBus(common.MCP_NATS_URL, {
      service: manifest.name,
      replicas: common.MCP_BUS_REPLICAS,
      log,
      signal: closing.signal,
    }).catch((error: unknown) => {
      connection = undefined;
      throw error;
    });
    return connection;
  };
  const tracer = createTracer({
    service: manifest.name,
    sinks: await sinksOf(common, manifest.name, {
      bus,
      onDropped: (spans) => metrics.inc('trace_spans_dropped_total', {}, spans),
    }),
    traces_per_second: common.MCP_TRACES_PER_SECOND,
  });
  return {
    name: manifest.name,
    manifest,
    config,
    common,
    log,
    metrics,
    tracer,
    flags: await createFlags(manifest.name, env),
    clients: clientsOf(options.local, remote),
    requests: new RequestGauge(metrics),
    data_dir,
    callers: new CallerVerifier(manifest.name, common.MCP_SERVICE_JWKS),
    signer,
    bus,
    draining: options.draining,
    async close() {
      await tracer.close();
      closing.abort();
      await remote.close();
      await connection?.then(
        (open) => open.close(),
        () => undefined,
      );
    },
  };
}

async function sinksOf(
  common: CommonEnv,
  service: ServiceName,
  store: ConstructorParameters<typeof SpanPublisher>[0],
): Promise<SpanSink[]> {
  const endpoint = common.OTEL_EXPORTER_OTLP_ENDPOINT;
  const sinks: SpanSink[] = common.MCP_TRACE_STORE ? [new SpanPublisher(store)] : [];
  if (endpoint === undefined) return sinks;
  // Loaded only where it is used: it is a large part of a start.
  const { otlpSink } = await import('../telemetry/otlp.ts');
  return [...sinks, otlpSink({ endpoint, service, region: common.MCP_REGION })];
}

/** Throws ConfigError for a signing key that no other service knows. */
function signerOf(name: ServiceName, common: CommonEnv, env: NodeJS.ProcessEnv): TokenSigner | undefined {
  const variable = signingKeyVariable(name);
  const secret = env[variable];
  if (secret === undefined || secret === '') return undefined;
  if (secret.length < MIN_SECRET_CHARS)
    throw new ConfigError(
      `${variable} is set but has fewer than ${MIN_SECRET_CHARS} characters. Make one: openssl rand -hex 32`,
    );
  const signer = new TokenSigner(name, secret);
  if (!common.MCP_SERVICE_JWKS.keys.some(({ kid, service }) => kid === signer.kid && service === name))
    throw new ConfigError(
      `${variable} is set but its public key is not in MCP_SERVICE_JWKS, so that no service would believe ${name}. Make both again: npx mcp identity`,
    );
  return signer;
}

/** Counts requests in progress, so that a drain knows when it is done. */
class RequestGauge {
  #running = 0;
  readonly #metrics: Metrics;

  constructor(metrics: Metrics) {
    this.#metrics = metrics;
  }

  get running(): number {
    return this.#running;
  }

  begin(): void {
    this.#metrics.set('service_requests_in_flight', {}, ++this.#running);
  }

  end(duration_s: number, labels: { endpoint: string; status: string; model: string; phase: string }): void {
    this.#metrics.set('service_requests_in_flight', {}, --this.#running);
    this.#metrics.inc('service_requests_total', labels);
    this.#metrics.observe('service_request_duration_seconds', labels, duration_s);
  }
}

interface RemoteOptions {
  /** Who calls. */
  readonly name: ServiceName;
  readonly common: CommonEnv;
  readonly env: NodeJS.ProcessEnv;
  readonly signer: TokenSigner | undefined;
}

/** HTTP clients of the services elsewhere, made on first use. */
class RemoteClients {
  readonly #open = new Map<ServiceName, ServiceClient>();
  readonly #options: RemoteOptions;

  constructor(options: RemoteOptions) {
    this.#options = options;
  }

  get(name: ServiceName): ServiceClient {
    let client = this.#open.get(name);
    if (client === undefined) {
      const { common, env, signer } = this.#options;
      const url = env[urlVariable(name)];
      if (url === undefined)
        throw new Error(
          `${urlVariable(name)} is not set, and ${name} does not run in this process. Set it, or add ${name} to MCP_IN_PROCESS.`,
        );
      if (signer === undefined)
        throw new Error(
          `${signingKeyVariable(this.#options.name)} is not set, without which ${this.#options.name} cannot call ${name}. Make one: npx mcp identity`,
        );
      client = new ServiceClient({ name, url, signer, connect_timeout_ms: common.MCP_CONNECT_TIMEOUT_MS });
      this.#open.set(name, client);
    }
    return client;
  }

  async close(): Promise<void> {
    await Promise.all([...this.#open.values()].map((client) => client.close()));
  }
}

/** Looks up each time, so that services may start in any order. */
function clientsOf(local: LocalApis, remote: RemoteClients): Clients {
  const cache = new Map<ServiceName, unknown>();
  const pick = <T>(name: ServiceName, make: (client: ServiceClient) => T): T => {
    const here = local.get(name) ?? cache.get(name);
    if (here !== undefined) return here as T;
    const made = make(remote.get(name));
    cache.set(name, made);
    return made;
  };
  return {
    get modelGateway() {
      return pick('model-gateway', httpModelGateway);
    },
    get core() {
      return pick('core', (client) => apiClient(coreEndpoints, client));
    },
    get taskEngine() {
      return pick('task-engine', (client) => apiClient(taskEngineEndpoints, client));
    },
    get governance() {
      return pick('governance', (client) => apiClient(governanceEndpoints, client));
    },
  };
}
