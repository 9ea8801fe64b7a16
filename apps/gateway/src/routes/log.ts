import { MAX_SUBMISSION_BYTES } from '@mcp/contracts';
import { type KitEnv, ownCall, readText, streamBytes } from '@mcp/service-kit';
import type { Hono } from 'hono';
import type { Gateway } from '../gateway.ts';
import { guard } from '../transports/http.ts';

/** What a tile says never changes; who may read it depends on the key. */
const TILE_HEADERS = {
  'content-type': 'application/octet-stream',
  'cache-control': 'private, max-age=31536000, immutable',
} as const;

/** How long a witness may take, its disk included. */
const WITNESS_MS = 10_000;

/** `/v1/log`: the transparency log of the region for its readers (C2SP tlog-tiles); and the keys that conversations are signed with. */
export function logRoutes(app: Hono<KitEnv>, gateway: Gateway): void {
  const log = () => gateway.kit.clients.transparencyLog;
  app.get(
    '/v1/log',
    guard(gateway, 'chat', async (c, call) => c.json(await log().checkpoint(call))),
  );
  app.get(
    '/v1/log/checkpoint',
    guard(gateway, 'chat', async (c, call) => c.text((await log().checkpoint(call)).note)),
  );
  app.get(
    '/v1/log/tile/:path{.+}',
    guard(gateway, 'chat', (c, call) =>
      streamBytes(c, log().tile({ path: `tile/${c.req.param('path') ?? ''}` }, call), TILE_HEADERS),
    ),
  );
  app.get(
    '/v1/log/copies/:log/checkpoint',
    guard(gateway, 'chat', async (c, call) =>
      c.text((await log().copied({ log: c.req.param('log') ?? '' }, call)).note),
    ),
  );
  app.get(
    '/v1/log/copies/:log/tile/:path{.+}',
    guard(gateway, 'chat', (c, call) => {
      const path = `tile/${c.req.param('path') ?? ''}`;
      return streamBytes(c, log().copiedTile({ log: c.req.param('log') ?? '', path }, call), TILE_HEADERS);
    }),
  );
  app.get(
    '/v1/log/anchors',
    guard(gateway, 'chat', async (c, call) => c.json(await log().anchors(call))),
  );
  app.get(
    '/v1/provenance/keys',
    guard(gateway, 'chat', async (c, call) => c.json(await gateway.kit.clients.core.logKeys(call))),
  );
}

/** `/v1/witness`: this region as a witness of other logs (C2SP tlog-witness), for everybody: what is asked is signed. */
export function witnessRoutes(app: Hono<KitEnv>, gateway: Gateway): void {
  const log = () => gateway.kit.clients.transparencyLog;
  const call = () => ownCall({ service: 'gateway', timeout_ms: WITNESS_MS });
  app.get('/v1/witness', async (c) => c.json(await log().identity(call())));
  app.post('/v1/witness/add-checkpoint', async (c) => {
    const submission = await readText(c, MAX_SUBMISSION_BYTES);
    const { status, content_type, body } = await log().cosign({ submission }, call());
    return c.body(body, status, { 'content-type': content_type });
  });
  app.get('/v1/witness/:log/checkpoint', async (c) =>
    c.text((await log().cosigned({ log: c.req.param('log') }, call())).note),
  );
  app.get('/v1/witness/:log/copy', async (c) =>
    c.json(await log().copied({ log: c.req.param('log') }, call())),
  );
}
