import { createHash } from 'node:crypto';
import { readFile, stat } from 'node:fs/promises';
import { extname, join } from 'node:path';
import { promisify } from 'node:util';
import { gzip } from 'node:zlib';
import { PlatformError } from '@mcp/contracts';
import type { KitContext, KitEnv } from '@mcp/service-kit';
import type { Hono } from 'hono';
import type { Gateway } from '../gateway.ts';

const compress = promisify(gzip);

const TYPES: Readonly<Record<string, string>> = {
  '.html': 'text/html; charset=utf-8',
  '.js': 'text/javascript; charset=utf-8',
  '.css': 'text/css; charset=utf-8',
  '.svg': 'image/svg+xml',
  '.png': 'image/png',
  '.ico': 'image/x-icon',
  '.woff2': 'font/woff2',
  '.json': 'application/json',
  '.webmanifest': 'application/manifest+json',
  '.txt': 'text/plain; charset=utf-8',
};
const COMPRESSIBLE = /^(text\/|application\/(json|manifest)|image\/svg)/;
/** One plain name without dots in front: no way out of the directory. */
const FILE_NAME = /^[A-Za-z0-9_-][\w.-]{0,199}$/;
const ROOT_FILES = ['favicon.svg', 'favicon.ico', 'theme.js', 'robots.txt', 'manifest.webmanifest'];
const MAX_FILES = 200;
const MAX_FILE_BYTES = 8 * 1024 * 1024;

/** Only this origin's own files: no inline code, no frames, nothing from elsewhere. */
const POLICY = [
  "default-src 'none'",
  "script-src 'self'",
  "style-src 'self'",
  "img-src 'self'",
  "font-src 'self'",
  "connect-src 'self'",
  "manifest-src 'self'",
  "base-uri 'none'",
  "form-action 'none'",
  "frame-ancestors 'none'",
].join('; ');

interface Asset {
  readonly body: Buffer;
  readonly gzipped: Buffer | undefined;
  readonly type: string;
  readonly etag: string;
  readonly mtime_ms: number;
}

/** The console at `/`: static files from `MCP_CONSOLE_DIR`, or a page that says how to build it. */
export function consoleRoutes(app: Hono<KitEnv>, gateway: Gateway): void {
  const files = new Files(gateway.kit.config.MCP_CONSOLE_DIR);
  app.get('/', async (c) => {
    const page = await files.read('index.html');
    if (page !== undefined) return serve(c, page, 'no-cache');
    return c.html(NOT_BUILT, 503, securityHeaders());
  });
  app.get('/assets/:name', async (c) =>
    serve(c, await found(files, `assets/${nameOf(c)}`), 'public, max-age=31536000, immutable'),
  );
  // Named one by one: a pattern at the root would cost every other route its place in the router's fast table.
  for (const name of ROOT_FILES)
    app.get(`/${name}`, async (c) => serve(c, await found(files, name), 'public, max-age=3600'));
}

const NOT_BUILT = `<!doctype html>
<html lang="en"><head><meta charset="utf-8"><title>Console not built</title></head>
<body><h1>The console is not built</h1>
<p>The API works without it: see <code>GET /v1/models</code>.</p>
<p>To build it, run <code>npm run build -w apps/console</code> in the checkout and load this page again,
or set <code>MCP_CONSOLE_DIR</code> to where it has been built.</p></body></html>
`;

function nameOf(c: KitContext): string {
  const name = c.req.param('name') ?? '';
  if (!FILE_NAME.test(name)) throw noSuchFile();
  return name;
}

async function found(files: Files, name: string): Promise<Asset> {
  const asset = await files.read(name);
  if (asset === undefined) throw noSuchFile();
  return asset;
}

function noSuchFile(): PlatformError {
  return new PlatformError(
    'not_found',
    'The console has no such file. Load / again: it may have been updated.',
  );
}

function serve(c: KitContext, asset: Asset, cache_control: string): Response {
  const headers = {
    ...securityHeaders(),
    'content-type': asset.type,
    'cache-control': cache_control,
    etag: asset.etag,
    vary: 'accept-encoding',
  };
  if (c.req.header('if-none-match') === asset.etag) return c.body(null, 304, headers);
  const zip = asset.gzipped !== undefined && /\bgzip\b/.test(c.req.header('accept-encoding') ?? '');
  const body = zip && asset.gzipped !== undefined ? asset.gzipped : asset.body;
  return c.body(new Uint8Array(body), 200, { ...headers, ...(zip ? { 'content-encoding': 'gzip' } : {}) });
}

function securityHeaders(): Record<string, string> {
  return {
    'content-security-policy': POLICY,
    'x-content-type-options': 'nosniff',
    'referrer-policy': 'no-referrer',
    'cross-origin-opener-policy': 'same-origin',
    'cross-origin-resource-policy': 'same-origin',
  };
}

/** Files of one directory, kept in memory until they change on disk. */
class Files {
  readonly #dir: string;
  readonly #held = new Map<string, Asset>();

  constructor(dir: string) {
    this.#dir = dir;
  }

  /** Undefined when there is no such file, or none of a known type and size. */
  async read(name: string): Promise<Asset | undefined> {
    const path = join(this.#dir, name);
    const info = await stat(path).catch(() => undefined);
    const type = TYPES[extname(name)];
    if (info === undefined || !info.isFile() || info.size > MAX_FILE_BYTES || type === undefined)
      return undefined;
    const held = this.#held.get(name);
    if (held !== undefined && held.mtime_ms === info.mtimeMs) return held;
    const body = await readFile(path);
    const asset: Asset = {
      body,
      gzipped: COMPRESSIBLE.test(type) ? await compress(body) : undefined,
      type,
      etag: `"${createHash('sha256').update(body).digest('base64url').slice(0, 27)}"`,
      mtime_ms: info.mtimeMs,
    };
    if (this.#held.size >= MAX_FILES) this.#held.clear();
    this.#held.set(name, asset);
    return asset;
  }
}
