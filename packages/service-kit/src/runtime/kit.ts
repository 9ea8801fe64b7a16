import { mkdirSync } from 'node:fs';
import { resolve } from 'node:path';
import {
  type ConfigOf,
  type ManifestWith,
  type MetricTable,
  type NoTables,
  type ServiceManifest,
  type ServiceName,
  serviceVariable,
  type Tables,
} from '@mcp/contracts';
import type { Hono } from 'hono';
import { commonMetrics, signingKeySetting } from '../../manifest.ts';
import {
  type Clients,
  clientName,
  httpClient,
  type ServiceWithApi,
  servicesWithApi,
} from '../clients/clients.ts';
import { ServiceClient } from '../clients/http-client.ts';
import type { KitEnv } from '../http/context.ts';
import { createLogger, type Logger } from '../telemetry/log.ts';
import { Metrics } from '../telemetry/metrics.ts';
import { SpanPublisher, type SpanSink } from '../telemetry/trace-store.ts';
import { createTracer, type Tracer } from '../telemetry/tracer.ts';
import { type Bus, connectBus } from './bus.ts';
import { CommonEnv, ConfigError, configSchema, loadConfig } from './config.ts';
import { createFlags, type Flags } from './flags.ts';
import { CallerVerifier, TokenSigner } from './identity.ts';

/** What a running service consists of. */
export interface ServiceInstance<Api> {
  readonly app: Hono<KitEnv>;
  readonly api: Api;
  /** Runs once the listener is closed and requests are done. */
  close(): Promise<void>;
}

/** A deployable: its manifest and how it is put together. */
interface DefinitionOf<Api, T extends Tables> {
  readonly manifest: ManifestWith<T>;
  create(kit: ServiceKit<T>): Promise<ServiceInstance<Api>>;
}

/** A deployable as it is started, whatever its tables are: it is given the kit that its own manifest made. */
export interface ServiceDefinition<Api> {
  readonly manifest: ServiceManifest;
  create(kit: never): Promise<ServiceInstance<Api>>;
}

/** Metrics of a service or package: those of every service, and those of its table. */
export type MetricsOf<M extends MetricTable> = Metrics<typeof commonMetrics & M>;

/** Everything a service is given. `T`: the tables of its manifest, from which its types follow. */
export interface ServiceKit<T extends Tables = NoTables> {
  readonly name: ServiceName;
  readonly manifest: ServiceManifest;
  readonly config: ConfigOf<T['settings']>;
  readonly common: CommonEnv;
  readonly log: Logger;
  readonly metrics: MetricsOf<T['metrics']>;
  readonly tracer: Tracer;
  readonly flags: Flags<T['flags']>;
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
export function defineService<Api, T extends Tables>(definition: DefinitionOf<Api, T>): DefinitionOf<Api, T> {
  return definition;
}

/** APIs of the services in this process, by name; filled as they start. */
export type LocalApis = Map<ServiceName, unknown>;

export interface KitOptions<T extends Tables> {
  readonly manifest: ManifestWith<T>;
  readonly env: NodeJS.ProcessEnv;
  readonly local: LocalApis;
  readonly draining: () => boolean;
}

/** Builds the kit of one service from the environment. Throws ConfigError. */
export async function createKit<T extends Tables>(options: KitOptions<T>): Promise<ServiceKit<T>> {
  const { manifest, env } = options;
  const common = loadConfig(CommonEnv, env);
  const config = loadConfig(configSchema<T['settings']>(manifest.settings), env);
  const data_dir = resolve(common.MCP_DATA);
  mkdirSync(data_dir, { recursive: true, mode: 0o700 });
  const log = createLogger(manifest.name, common.MCP_LOG_LEVEL);
  const table = { ...commonMetrics, ...manifest.metrics };
  const metrics = new Metrics<typeof commonMetrics>(manifest.name, table);
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
    metrics: metrics as MetricsOf<T['metrics']>,
    tracer,
    flags: await createFlags(manifest.name, manifest.flags, env),
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
  const variable = serviceVariable(name, 'SIGNING_KEY');
  const secret = loadConfig(configSchema(signingKeySetting(name)), env)[variable];
  if (typeof secret !== 'string') return undefined;
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
  readonly #metrics: Metrics<typeof commonMetrics>;

  constructor(metrics: Metrics<typeof commonMetrics>) {
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
      const url = env[serviceVariable(name, 'URL')];
      if (url === undefined)
        throw new Error(
          `${serviceVariable(name, 'URL')} is not set, and ${name} does not run in this process. Set it, or add ${name} to MCP_IN_PROCESS.`,
        );
      if (signer === undefined)
        throw new Error(
          `${serviceVariable(this.#options.name, 'SIGNING_KEY')} is not set, without which ${this.#options.name} cannot call ${name}. Make one: npx mcp identity`,
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
  const pick = (name: ServiceWithApi): unknown => {
    const here = local.get(name) ?? cache.get(name);
    if (here !== undefined) return here;
    const made = httpClient(name, remote.get(name));
    cache.set(name, made);
    return made;
  };
  const getters = servicesWithApi.map((name) => [
    clientName(name),
    { enumerable: true, get: () => pick(name) },
  ]);
  return Object.defineProperties({}, Object.fromEntries(getters)) as Clients;
}
