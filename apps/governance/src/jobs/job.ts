import type { CallContext, ChainVerdict } from '@mcp/contracts';
import type { Clients, Logger, Metrics } from '@mcp/service-kit';

interface JobContext {
  readonly clients: Clients;
  readonly metrics: Metrics;
  readonly log: Logger;
  readonly call: CallContext;
}

/** What a run found. */
interface Findings {
  readonly checked: number;
  readonly failures: readonly ChainVerdict[];
}

/** A governance job: runs on a schedule, and on demand. */
export interface GovernanceJob {
  readonly name: string;
  run(context: JobContext): Promise<Findings>;
}
