import type { JobSpec } from '@mcp/contracts';
import { embedBatch } from './embed-batch.ts';
import { exportConversations } from './export.ts';
import type { JobHandler, JobRun } from './job.ts';
import { summarizeConversation } from './summarize-conversation.ts';

/** Every kind of job. A new one: a row in `JobSpec`, a file beside these, and one line here. */
const handlers: { readonly [K in JobSpec['kind']]: JobHandler<K> } = {
  'summarize-conversation': summarizeConversation,
  'embed-batch': embedBatch,
  export: exportConversations,
};

/** Runs a job by its kind. */
export function runJob<K extends JobSpec['kind']>(run: JobRun<K>): Promise<unknown> {
  const handler: JobHandler<K> = handlers[run.spec.kind as K];
  return handler(run);
}
