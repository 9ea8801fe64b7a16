import { createServer, type IncomingMessage, type ServerResponse } from 'node:http';
import { ConfigError } from '../runtime/config.ts';

const HEADERS_MS = 5000;
const REQUEST_MS = 10_000;
/** Prometheus keeps one connection to a target; there may be a few of them. */
const MAX_CONNECTIONS = 32;

/** Metrics as text, of one service. */
interface Exposition {
  readonly contentType: string;
  text(): Promise<string>;
}

export interface MetricsListener {
  readonly port: number;
  close(): Promise<void>;
}

/**
 * Serves `GET /metrics` of every service of this process and nothing else, to whoever reaches the port: for a network
 * that lets Prometheus at this port and at no other. Port 0 takes a free one. Throws ConfigError when it is taken.
 */
export async function listenForScrapes(
  services: readonly Exposition[],
  { port, host }: { readonly port: number; readonly host: string },
): Promise<MetricsListener> {
  const server = createServer(
    { headersTimeout: HEADERS_MS, requestTimeout: REQUEST_MS, connectionsCheckingInterval: 1000 },
    (request, response) => void answer(services, request, response),
  );
  server.maxConnections = MAX_CONNECTIONS;
  await new Promise<void>((done, fail) => {
    server.once('error', (error: NodeJS.ErrnoException) =>
      fail(
        error.code === 'EADDRINUSE'
          ? new ConfigError(`Port ${port} is taken. Stop what uses it, or set MCP_METRICS_PORT.`)
          : error,
      ),
    );
    server.listen(port, host, done);
  });
  const address = server.address();
  return {
    port: typeof address === 'object' && address !== null ? address.port : port,
    async close() {
      server.closeAllConnections();
      await new Promise((done) => server.close(done));
    },
  };
}

async function answer(
  services: readonly Exposition[],
  request: IncomingMessage,
  response: ServerResponse,
): Promise<void> {
  const refuse = (status: number, text: string) =>
    response.writeHead(status, { 'content-type': 'text/plain', connection: 'close' }).end(text);
  if (request.url !== '/metrics') return void refuse(404, 'Only GET /metrics is here.\n');
  if (request.method !== 'GET') return void refuse(405, 'Use GET.\n');
  try {
    const text = together(await Promise.all(services.map((one) => one.text())));
    response.writeHead(200, { 'content-type': services[0]?.contentType ?? 'text/plain' }).end(text);
  } catch {
    refuse(500, 'The metrics cannot be read.\n');
  }
}

/** One text of several: the format allows each metric one HELP and TYPE, with its samples below them. */
export function together(texts: readonly string[]): string {
  const [only] = texts;
  if (texts.length === 1 && only !== undefined) return only;
  const metrics = new Map<string, string>();
  for (const text of texts)
    for (const block of text.split(/^(?=# HELP )/m)) {
      const name = /^# HELP (\S+)/.exec(block)?.[1] ?? '';
      const known = metrics.get(name);
      const samples = block.replace(/^#.*\n?/gm, '').trim();
      metrics.set(name, known === undefined ? block.trim() : `${known}\n${samples}`.trim());
    }
  return `${[...metrics.values()].filter((block) => block !== '').join('\n')}\n`;
}
