import { CreateJobRequest, type Job, JobFile, ListJobsQuery, PlatformError } from '@mcp/contracts';
import {
  errorFields,
  type KitEnv,
  parseBody,
  parseQuery,
  streamBytes,
  streamText,
  uuidParam,
} from '@mcp/service-kit';
import type { Hono } from 'hono';
import type { Gateway } from '../gateway.ts';
import { privacyOf } from '../transports/completion.ts';
import { guard } from '../transports/http.ts';
import { acceptsEventStream, SSE, sse } from '../transports/sse.ts';

/** `/v1/jobs`: long work with progress. `GET /v1/jobs/{id}` is a stream of `job` events when asked for one. */
export function jobRoutes(app: Hono<KitEnv>, gateway: Gateway): void {
  const engine = () => gateway.kit.clients.taskEngine;
  app.post(
    '/v1/jobs',
    guard(gateway, { scope: 'jobs', body: true }, async (c, call) => {
      const sent = await parseBody(c, CreateJobRequest, gateway.kit.config.MCP_MAX_BODY_BYTES);
      const { session } = await privacyOf(gateway, c, { model: undefined });
      const request = session?.asked(sent) ?? sent;
      // The engine works when its owner is long gone: it shows what the owner let it do.
      const grant = await gateway.kit.signer?.grant('task-engine', call.principal);
      const job = await engine().create(request, { ...call, grant });
      c.get('state').headers.location = `/v1/jobs/${job.id}`;
      return c.json(job, 202);
    }),
  );
  app.get(
    '/v1/jobs',
    guard(gateway, { scope: 'jobs', query: true }, async (c, call) =>
      c.json({ jobs: await engine().list(parseQuery(c, ListJobsQuery), call) }),
    ),
  );
  app.get(
    '/v1/jobs/:id',
    guard(gateway, 'jobs', async (c, call) => {
      const id = uuidParam(c, 'id');
      if (!acceptsEventStream(c.req.header('accept'))) return c.json(await engine().get(id, call));
      return streamText(c, jobFrames(engine().watch(id, call)), {
        ...SSE,
        onError: (error) => `event: error\ndata: ${JSON.stringify(errorFields(error))}\n\n`,
      });
    }),
  );
  app.get(
    '/v1/jobs/:id/result',
    guard(gateway, 'jobs', async (c, call) => {
      const id = uuidParam(c, 'id');
      const { status, result } = await engine().get(id, call);
      if (status !== 'completed')
        throw new PlatformError('conflict', `The job ${id} is ${status}: it has no result.`);
      const file = JobFile.safeParse(result).data;
      if (file === undefined) return c.json(result);
      return streamBytes(c, engine().result(id, call), {
        'content-type': file.content_type,
        'content-length': String(file.size_bytes),
        'content-disposition': `attachment; filename="${id}${/jsonl/.test(file.content_type) ? '.jsonl' : '.json'}"`,
        etag: `"${file.sha256}"`,
      });
    }),
  );
  app.post(
    '/v1/jobs/:id/retry',
    guard(gateway, 'jobs', async (c, call) => c.json(await engine().retry(uuidParam(c, 'id'), call), 202)),
  );
  app.post(
    '/v1/jobs/:id/cancel',
    guard(gateway, 'jobs', async (c, call) => c.json(await engine().cancel(uuidParam(c, 'id'), call))),
  );
}

async function* jobFrames(changes: AsyncIterable<Job>): AsyncGenerator<string> {
  let seq = 0;
  for await (const job of changes) yield sse('job', seq++, job);
}
