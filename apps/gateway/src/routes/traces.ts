import { PlatformError, type SpanRecord } from '@mcp/contracts';
import { type KitEnv, readTrace } from '@mcp/service-kit';
import type { Hono } from 'hono';
import type { Gateway } from '../gateway.ts';
import { guard } from '../guard.ts';

const MAX_READERS = 4;

/** `GET /v1/traces/{trace_id}`: the spans of one's own requests from the local trace store. */
export function traceRoutes(app: Hono<KitEnv>, gateway: Gateway): void {
  const reader = boundedReader(gateway);
  app.get(
    '/v1/traces/:trace_id',
    guard(gateway, 'chat', async (c, call) => {
      const trace_id = c.req.param('trace_id') ?? '';
      if (!/^[0-9a-f]{32}$/.test(trace_id))
        throw new PlatformError(
          'invalid_request',
          `trace_id: must be 32 hex digits in lower case, as in the header x-trace-id (got ${trace_id.slice(0, 60)}).`,
          { param: 'trace_id' },
        );
      const dir = gateway.kit.common.MCP_TRACE_DIR;
      if (dir === undefined)
        throw new PlatformError(
          'not_found',
          'This platform keeps no local trace store. Set MCP_TRACE_DIR, or look in the tracing backend it exports to.',
        );
      const spans = await reader(dir, trace_id);
      const isAdmin = call.principal.scopes.includes('admin');
      if (spans.length === 0 || !(isAdmin || spans.some((span) => ownedBy(span, call.principal.id))))
        throw new PlatformError(
          'not_found',
          `There is no trace ${trace_id} of yours here. Traces appear within a second of the answer and are kept for a while only.`,
        );
      return c.json({ spans });
    }),
  );
}

/** Reading a trace goes through whole files: only so many at once. Throws `rate_limited`. */
function boundedReader(gateway: Gateway): (dir: string, trace_id: string) => Promise<SpanRecord[]> {
  let running = 0;
  return async (dir, trace_id) => {
    if (running >= MAX_READERS)
      throw new PlatformError(
        'rate_limited',
        `${MAX_READERS} traces are being read already. Try again in a second.`,
        { retry_after_ms: 1000 },
      );
    running++;
    try {
      await gateway.kit.tracer.flush();
      return await readTrace(dir, trace_id);
    } finally {
      running--;
    }
  };
}

function ownedBy(span: SpanRecord, principal_id: string): boolean {
  return span.service === 'gateway' && span.attributes['enduser.id'] === principal_id;
}
