import {
  type CallContext,
  ExportSubjectQuery,
  ListLegalHoldsQuery,
  PlatformError,
  RetentionReportQuery,
  SetLegalHold,
  type SubjectErasure,
  SubjectId,
  type SubjectPage,
} from '@mcp/contracts';
import { type KitContext, type KitEnv, parseBody, parseQuery, uuidParam } from '@mcp/service-kit';
import type { Hono } from 'hono';
import type { Gateway } from '../gateway.ts';
import { guard } from '../transports/http.ts';

/** `/admin/retention`, `/admin/legal-holds` and `/v1/subjects`: what is kept how long, what must not be erased, and for whom it is. */
export function retentionRoutes(app: Hono<KitEnv>, gateway: Gateway): void {
  const core = () => gateway.kit.clients.core;
  app.get(
    '/admin/retention',
    guard(gateway, { scope: 'admin', query: true }, async (c, call) =>
      c.json(await core().retentionReport(parseQuery(c, RetentionReportQuery), call)),
    ),
  );
  app.get(
    '/admin/legal-holds',
    guard(gateway, { scope: 'admin', query: true }, async (c, call) =>
      c.json(await core().listLegalHolds(parseQuery(c, ListLegalHoldsQuery), call)),
    ),
  );
  app.post(
    '/admin/legal-holds',
    guard(gateway, { scope: 'admin', body: true }, async (c, call) => {
      const request = await parseBody(c, SetLegalHold, gateway.kit.config.MCP_MAX_BODY_BYTES);
      return c.json(await core().setLegalHold(request, call), 201);
    }),
  );
  app.delete(
    '/admin/legal-holds/:id',
    guard(gateway, 'admin', async (c, call) => c.json(await core().liftLegalHold(uuidParam(c, 'id'), call))),
  );
  app.get(
    '/v1/subjects/:id/export',
    guard(gateway, { scope: 'chat', query: true }, async (c, call) => {
      c.get('state').headers['cache-control'] = 'no-store';
      return c.json(
        await exported(gateway, { owner: subjectIn(c), ...parseQuery(c, ExportSubjectQuery) }, call),
      );
    }),
  );
  app.delete(
    '/v1/subjects/:id',
    guard(gateway, 'chat', async (c, call) => {
      const owner = subjectIn(c);
      // The core knows of holds, and refuses.
      const { complete, ...erased } = await core().eraseSubject(owner, call);
      const more = await gateway.kit.clients.taskEngine.eraseOf(owner, call);
      const erasure: SubjectErasure = { ...erased, jobs: more.jobs, complete: complete && more.complete };
      return c.json(erasure);
    }),
  );
}

/** Conversations, and behind the last of them jobs. The core says who may have it, and records each page. */
async function exported(
  { kit }: Gateway,
  { owner, cursor }: ExportSubjectQuery & { readonly owner: string },
  call: CallContext,
): Promise<SubjectPage> {
  const page = await kit.clients.core.exportSubject(owner, { cursor }, call);
  const [kind, after] = cursor?.split(':') ?? [];
  if (kind !== 'jobs') return { ...page, jobs: [], next_cursor: page.next_cursor ?? 'jobs:0' };
  const { jobs, next } = await kit.clients.taskEngine.exportOf(owner, { after: Number(after) }, call);
  return { ...page, jobs, next_cursor: next === null ? null : `jobs:${next}` };
}

function subjectIn(c: KitContext): string {
  const parsed = SubjectId.safeParse(c.req.param('id'));
  if (parsed.success) return parsed.data;
  throw new PlatformError('invalid_request', 'id: must be the id of a principal, such as key:…', {
    param: 'id',
  });
}
