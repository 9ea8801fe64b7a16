import { existsSync } from 'node:fs';
import type { Server } from 'node:http';
import type { Duplex } from 'node:stream';
import { pathToFileURL } from 'node:url';
import { createAdaptorServer, type WebSocketServerLike } from '@hono/node-server';
import type { ServiceManifest, ServiceName } from '@mcp/contracts';
import { WebSocketServer } from 'ws';
import { CommonEnv, ConfigError, loadConfig, portVariable } from './config.ts';
import {
  createKit,
  type LocalApis,
  type ServiceDefinition,
  type ServiceInstance,
  type ServiceKit,
} from './service.ts';

const MAX_HEADER_BYTES = 16 * 1024;
const MAX_CONNECTIONS = 4096;
const MAX_WS_FRAME_BYTES = 1024 * 1024;

interface Running {
  readonly kit: ServiceKit;
  readonly instance: ServiceInstance<unknown>;
  readonly server: Server;
}

/**
 * Entry of every service's `main.ts`: starts it, and those of `MCP_COLOCATE` beside it in the same process,
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

/** Starts a service and those it is co-located with. `stop` drains and closes them. */
export async function startServices(
  main: ServiceDefinition<unknown>,
  env: NodeJS.ProcessEnv,
): Promise<{ stop(reason: string): Promise<void> }> {
  const beside = loadConfig(CommonEnv, env).MCP_COLOCATE.filter((name) => name !== main.manifest.name);
  const definitions = [...(await Promise.all(beside.map(loadDefinition))), main];
  const local: LocalApis = new Map();
  const running: Running[] = [];
  let draining = false;
  const stop = async (reason: string) => {
    draining = true;
    for (const one of running.reverse()) await stopOne(one, reason);
  };
  try {
    for (const definition of definitions)
      running.push(await startOne(definition, { env, local, draining: () => draining }));
  } catch (error) {
    await stop('start failed');
    throw error;
  }
  return { stop };
}

async function loadDefinition(name: ServiceName): Promise<ServiceDefinition<unknown>> {
  const url = new URL(`../../../apps/${name}/src/definition.ts`, import.meta.url);
  if (!existsSync(url)) throw new ConfigError(`MCP_COLOCATE names ${name}, which is not part of this image.`);
  const module: { definition: ServiceDefinition<unknown> } = await import(pathToFileURL(url.pathname).href);
  return module.definition;
}

async function startOne(
  definition: ServiceDefinition<unknown>,
  options: { env: NodeJS.ProcessEnv; local: LocalApis; draining: () => boolean },
): Promise<Running> {
  const { manifest } = definition;
  const kit = await createKit(definition.config, { manifest, ...options });
  const instance = await definition.create(kit);
  options.local.set(manifest.name, instance.api);
  const port = Number(options.env[portVariable(manifest.name)] ?? manifest.port);
  const server = listener(instance);
  await listen(server, { port, host: kit.common.MCP_HOST, manifest });
  kit.log.info({ port, host: kit.common.MCP_HOST }, 'listening');
  return { kit, instance, server };
}

function listener(instance: ServiceInstance<unknown>): Server {
  const wss = new WebSocketServer({
    noServer: true,
    maxPayload: MAX_WS_FRAME_BYTES,
    handleProtocols: (offered) => (offered.has('mcp') ? 'mcp' : false),
  });
  const server = createAdaptorServer({
    fetch: instance.app.fetch,
    // ws declares optional fields less strictly than exactOptionalPropertyTypes wants.
    websocket: { server: wss as unknown as WebSocketServerLike },
    serverOptions: {
      maxHeaderSize: MAX_HEADER_BYTES,
      headersTimeout: 10_000,
      requestTimeout: 30_000,
      keepAliveTimeout: 65_000,
      connectionsCheckingInterval: 1000,
    },
  }) as Server;
  server.maxConnections = MAX_CONNECTIONS;
  server.on('clientError', refuseConnection);
  return server;
}

const CLIENT_ERRORS: Readonly<Record<string, { line: string; code: string; detail: string }>> = {
  HPE_HEADER_OVERFLOW: {
    line: '431 Request Header Fields Too Large',
    code: 'headers_too_large',
    detail: `The headers are larger than ${MAX_HEADER_BYTES} bytes. Send fewer or shorter ones.`,
  },
  ERR_HTTP_REQUEST_TIMEOUT: {
    line: '408 Request Timeout',
    code: 'request_timeout',
    detail: 'The request did not arrive in full within 30 s (headers: 10 s). Send it faster.',
  },
};
const MALFORMED = {
  line: '400 Bad Request',
  code: 'invalid_request',
  detail: 'This is not an HTTP/1.1 request that can be read.',
};

/** Answers what node refuses before any handler runs: malformed, oversized or slow requests. */
function refuseConnection(error: NodeJS.ErrnoException, socket: Duplex): void {
  if (error.code === 'ECONNRESET' || !socket.writable) {
    socket.destroy();
    return;
  }
  const { line, code, detail } = CLIENT_ERRORS[error.code ?? ''] ?? MALFORMED;
  const status = Number(line.slice(0, 3));
  const body = JSON.stringify({
    type: `urn:mcp:error:${code}`,
    title: line.slice(4),
    status,
    detail,
    code,
    trace_id: '',
  });
  socket.end(
    `HTTP/1.1 ${line}\r\nconnection: close\r\ncontent-type: application/problem+json\r\ncontent-length: ${Buffer.byteLength(body)}\r\n\r\n${body}`,
  );
}

function listen(
  server: Server,
  options: { port: number; host: string; manifest: ServiceManifest },
): Promise<void> {
  return new Promise((done, fail) => {
    server.once('error', (error: NodeJS.ErrnoException) => {
      const taken = error.code === 'EADDRINUSE';
      fail(
        taken
          ? new ConfigError(
              `Port ${options.port} is taken. Stop what uses it, or set ${portVariable(options.manifest.name)}.`,
            )
          : error,
      );
    });
    server.listen(options.port, options.host, () => done());
  });
}

async function stopOne({ kit, instance, server }: Running, reason: string): Promise<void> {
  kit.log.info({ reason }, 'draining');
  const closed = new Promise<void>((done) => server.close(() => done()));
  server.closeIdleConnections();
  const until_ms = Date.now() + kit.manifest.drain_s * 1000;
  while (kit.requests.running > 0 && Date.now() < until_ms) await new Promise((done) => setTimeout(done, 20));
  server.closeAllConnections();
  await closed;
  await instance.close();
  await kit.close();
}
