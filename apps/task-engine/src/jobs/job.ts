import { type CallContext, type JobSpec, type ModelInfo, PlatformError } from '@mcp/contracts';
import type { Clients } from '@mcp/service-kit';
import type { ResultStore } from '../results.ts';

/** What a job is given. Its call acts for the job's owner, in class `batch`; its signal fires on cancel and shutdown. */
export interface JobRun<K extends JobSpec['kind']> {
  readonly id: string;
  readonly spec: Extract<JobSpec, { kind: K }>;
  readonly call: CallContext;
  readonly clients: Clients;
  /** Where long results go, and parts that a later attempt on any machine goes on from. */
  readonly results: ResultStore;
  progress(done: number, total: number, note: string): void;
}

/** A kind of job. It may run more than once: what it has an effect on is keyed by the job's id. */
export type JobHandler<K extends JobSpec['kind']> = (run: JobRun<K>) => Promise<unknown>;

/** A model for a job that names none. */
export async function readyModel(
  kind: ModelInfo['kind'],
  { clients, call }: Pick<JobRun<JobSpec['kind']>, 'clients' | 'call'>,
): Promise<string> {
  const models = await clients.modelGateway.models(call);
  const ready = models.find((model) => model.kind === kind && model.status === 'ready');
  if (ready !== undefined) return ready.id;
  throw new PlatformError(
    'unavailable',
    `No ${kind} model is ready. Name one in spec.model, or try again later.`,
    { retry_after_ms: 5000 },
  );
}
