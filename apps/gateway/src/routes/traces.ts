import { PlatformError } from '@mcp/contracts';
import type { KitEnv } from '@mcp/service-kit';
import type { Hono } from 'hono';
import type { Gateway } from '../gateway.ts';
import { readableSpans } from '../live/trace-access.ts';
import { guard } from '../transports/http.ts';

/** `GET /v1/traces/{trace_id}`: the spans of one's own requests, from all services and replicas of the region. */
export function traceRoutes(app: Hono<KitEnv>, gateway: Gateway): void {
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
      const spans = readableSpans(await gateway.traces.read(trace_id), call.principal);
      if (spans.length === 0)
        throw new PlatformError(
          'not_found',
          `There is no trace ${trace_id} of yours here. Traces appear within a second of the answer and are kept for a while only; at many requests per second not every one is kept.`,
        );
      return c.json({ spans });
    }),
  );
}
