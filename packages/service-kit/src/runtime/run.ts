import { existsSync } from 'node:fs';
import {
  createServer,
  type IncomingMessage,
  type Server,
  type ServerOptions,
  type ServerResponse,
  STATUS_CODES,
} from 'node:http';
import type { Duplex } from 'node:stream';
import { pathToFileURL } from 'node:url';
import { getRequestListener, RequestError } from '@hono/node-server';
import {
  ERROR_CODES,
  type ErrorCode,
  PlatformError,
  type ServiceManifest,
  type ServiceName,
  serviceVariable,
} from '@mcp/contracts';
import { Connections } from '../http/connections.ts';
import { toPlatformError, toProblem } from '../http/errors.ts';
import { listenForScrapes, type MetricsListener } from '../http/metrics-listener.ts';
import { endUnread, isAnswered } from '../http/unread.ts';
import { attachWebSockets, type WebSockets } from '../http/upgrade.ts';
import { CommonEnv, ConfigError, loadConfig } from './config.ts';
import {
  createKit,
  type LocalApis,
  type ServiceDefinition,
  type ServiceInstance,
  type ServiceKit,
} from './kit.ts';

const MAX_HEADER_BYTES = 16 * 1024;
/** Connections that may wait to be taken: with node's 511 a burst of callers meets dropped packets and waits seconds. */
const BACKLOG = 4096;

/** How long a client may take to send its request. */
interface ListenLimits {
  readonly headers_ms: number;
  readonly request_ms: number;
}
const LISTEN_LIMITS: ListenLimits = { headers_ms: 10_000, request_ms: 30_000 };

interface Running {
  readonly kit: ServiceKit;
  readonly instance: ServiceInstance<unknown>;
  readonly connections: Connections;
  readonly sockets: WebSockets;
  readonly port: number;
}

/**
 * Entry of every service's `main.ts`: starts it, and those of `MCP_IN_PROCESS` beside it in the same process,
 * and drains all of them on SIGTERM or SIGINT. Each listens on its own port either way.
 */
export async function runMain(definition: ServiceDefinition<unknown>): Promise<void> {
  try {
    const running = await startServices(definition, process.env);
    let stopping = false;
    const stop = (signal: NodeJS.Signals) => {
      if (stopping) return;
      stopping = true;
      void running.stop(signal).then(
        () => process.exit(0),
        () => process.exit(1),
      );
    };
    process.on('SIGTERM', stop);
    process.on('SIGINT', stop);
  } catch (error) {
    process.stderr.write(
      `${definition.manifest.name}: ${error instanceof ConfigError ? error.message : String(error instanceof Error ? error.stack : error)}\n`,
    );
    process.exit(78);
  }
}

export interface StartOptions {
  readonly limits?: ListenLimits;
  /** Implementations to call instead of services elsewhere. */
  readonly local?: LocalApis;
}

export interface StartedServices {
  /** The port each service listens on. */
  readonly ports: ReadonlyMap<ServiceName, number>;
  /** Where the process is scraped, if it has a port for that alone (`MCP_METRICS_PORT`). */
  readonly metrics_port: number | undefined;
  /** Drains and closes all of them. */
  stop(reason: string): Promise<void>;
}

/** Starts a service and those in the same process. Port 0 takes a free one. */
export async function startServices(
  main: ServiceDefinition<unknown>,
  env: NodeJS.ProcessEnv,
  options: StartOptions = {},
): Promise<StartedServices> {
  const common = loadConfig(CommonEnv, env);
  const beside = common.MCP_IN_PROCESS.filter((name) => name !== main.manifest.name);
  const definitions = [...(await Promise.all(beside.map(loadDefinition))), main];
  const local: LocalApis = new Map(options.local);
  const limits = options.limits ?? LISTEN_LIMITS;
  const running: Running[] = [];
  let draining = false;
  let scrapes: MetricsListener | undefined;
  const stop = async (reason: string) => {
    draining = true;
    for (const one of running.reverse()) await stopOne(one, reason);
    await scrapes?.close();
  };
  try {
    for (const definition of definitions)
      running.push(await startOne(definition, { env, local, draining: () => draining, limits }));
    if (common.MCP_METRICS_PORT !== undefined)
      scrapes = await listenForScrapes(
        running.map(({ kit }) => kit.metrics),
        { port: common.MCP_METRICS_PORT, host: common.MCP_HOST },
      );
  } catch (error) {
    await stop('start failed');
    throw error;
  }
  return {
    stop,
    ports: new Map(running.map(({ kit, port }) => [kit.name, port])),
    metrics_port: scrapes?.port,
  };
}

async function loadDefinition(name: ServiceName): Promise<ServiceDefinition<unknown>> {
  const url = new URL(`../../../../apps/${name}/src/definition.ts`, import.meta.url);
  if (!existsSync(url))
    throw new ConfigError(`MCP_IN_PROCESS names ${name}, which is not part of this image.`);
  const module: { definition: ServiceDefinition<unknown> } = await import(pathToFileURL(url.pathname).href);
  return module.definition;
}

async function startOne(
  definition: ServiceDefinition<unknown>,
  options: { env: NodeJS.ProcessEnv; local: LocalApis; draining: () => boolean; limits: ListenLimits },
): Promise<Running> {
  const { manifest } = definition;
  const kit = await createKit({ manifest, ...options });
  const instance = await definition.create(kit as never);
  options.local.set(manifest.name, instance.api);
  const server = httpServer(options.limits);
  const answer = getRequestListener(instance.app.fetch, { errorHandler: refuseRequest });
  const connections = new Connections(server, (incoming, outgoing) => {
    endUnread(incoming, outgoing);
    return answer(incoming, outgoing);
  });
  const sockets = attachWebSockets(server, instance.app.fetch);
  const wanted = Number(options.env[serviceVariable(manifest.name, 'PORT')] ?? manifest.port);
  const port = await listen(server, { port: wanted, host: kit.common.MCP_HOST, manifest });
  kit.log.info({ port, host: kit.common.MCP_HOST }, 'listening');
  return { kit, instance, connections, sockets, port };
}

function httpServer(limits: ListenLimits): Server {
  // shouldUpgradeCallback is newer than the types of node 22.
  const options: ServerOptions & { shouldUpgradeCallback(request: IncomingMessage): boolean } = {
    maxHeaderSize: MAX_HEADER_BYTES,
    headersTimeout: limits.headers_ms,
    requestTimeout: limits.request_ms,
    keepAliveTimeout: 65_000,
    connectionsCheckingInterval: Math.min(1000, limits.headers_ms),
    // A missing Host is refused below, in words.
    requireHostHeader: false,
    noDelay: true,
    // Anything but a WebSocket (h2c for one) is answered as the plain request that it also is (RFC 9110, 7.8).
    shouldUpgradeCallback: (request) => request.headers.upgrade?.toLowerCase() === 'websocket',
  };
  const server = createServer(options);
  server.on('clientError', refuseConnection);
  server.on('checkExpectation', refuseExpectation);
  return server;
}

const CLIENT_ERRORS: Readonly<Record<string, { code: ErrorCode; detail: string }>> = {
  HPE_HEADER_OVERFLOW: {
    code: 'headers_too_large',
    detail: `The request line and headers are larger than ${MAX_HEADER_BYTES} bytes. Send fewer or shorter ones.`,
  },
  HPE_CHUNK_EXTENSIONS_OVERFLOW: {
    code: 'payload_too_large',
    detail: 'The chunk extensions are too large. Leave them out.',
  },
  ERR_HTTP_REQUEST_TIMEOUT: {
    code: 'request_timeout',
    detail: 'The request did not arrive in full within the time allowed for it. Send it faster.',
  },
};
const MALFORMED = {
  code: 'invalid_request',
  detail: 'This is not an HTTP/1.1 request that can be read. Check the request line, headers and framing.',
} as const;

/** Answers what node refuses before any handler runs: malformed, oversized or slow requests. */
function refuseConnection(error: NodeJS.ErrnoException, socket: Duplex): void {
  if (error.code === 'ECONNRESET' || !socket.writable || isAnswered(socket)) {
    socket.destroy();
    return;
  }
  const { code, detail } = CLIENT_ERRORS[error.code ?? ''] ?? MALFORMED;
  const { status, title } = ERROR_CODES[code];
  const body = JSON.stringify(toProblem(new PlatformError(code, detail), ''));
  socket.end(
    `HTTP/1.1 ${status} ${STATUS_CODES[status] ?? title}\r\nconnection: close\r\ncontent-type: application/problem+json\r\ncontent-length: ${Buffer.byteLength(body)}\r\n\r\n${body}`,
  );
}

function refuseExpectation(request: IncomingMessage, response: ServerResponse): void {
  const detail = `Expect: only 100-continue can be met (got ${String(request.headers.expect).slice(0, 40)}). Leave it out.`;
  const body = JSON.stringify(toProblem(new PlatformError('invalid_request', detail), ''));
  response.writeHead(400, {
    'content-type': 'application/problem+json',
    'content-length': Buffer.byteLength(body),
    connection: 'close',
  });
  response.end(body);
}

/** Answers a request whose target or Host cannot be made into a URL. */
function refuseRequest(thrown: unknown): Response {
  const error =
    thrown instanceof RequestError
      ? new PlatformError(
          'invalid_request',
          `The request target cannot be read: ${thrown.message}. Send a Host header and an absolute path.`,
        )
      : toPlatformError(thrown);
  return new Response(JSON.stringify(toProblem(error, '')), {
    status: error.status,
    headers: { 'content-type': 'application/problem+json', connection: 'close' },
  });
}

function listen(
  server: Server,
  options: { port: number; host: string; manifest: ServiceManifest },
): Promise<number> {
  return new Promise((done, fail) => {
    server.once('error', (error: NodeJS.ErrnoException) => {
      const taken = error.code === 'EADDRINUSE';
      fail(
        taken
          ? new ConfigError(
              `Port ${options.port} is taken. Stop what uses it, or set ${serviceVariable(options.manifest.name, 'PORT')}.`,
            )
          : error,
      );
    });
    server.listen({ port: options.port, host: options.host, backlog: BACKLOG }, () => {
      const address = server.address();
      done(typeof address === 'object' && address !== null ? address.port : options.port);
    });
  });
}

/** Lets requests finish and their answers leave, for as long as the manifest allows; then cuts off what is left. */
async function stopOne({ kit, instance, connections, sockets }: Running, reason: string): Promise<void> {
  kit.log.info({ reason }, 'draining');
  const closed = connections.drain();
  sockets.drain();
  const until_ms = Date.now() + kit.manifest.drain_s * 1000;
  while (kit.requests.running > 0 && Date.now() < until_ms) await pause(10);
  await sockets.close();
  await Promise.race([closed, pause(Math.max(LAST_BYTES_MS, until_ms - Date.now()))]);
  connections.destroy();
  await closed;
  await instance.close();
  await kit.close();
}

/** How long answers already written may take to leave the process when there is no time left. */
const LAST_BYTES_MS = 100;

function pause(ms: number): Promise<void> {
  return new Promise((done) => setTimeout(done, ms).unref());
}
