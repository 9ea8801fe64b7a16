import type { CallContext, ChainVerdict, GovernanceRun } from '@mcp/contracts';
import type { Clients, Logger } from '@mcp/service-kit';
import type { GovernanceKit } from '../kit.ts';

export interface JobContext {
  readonly clients: Clients;
  readonly metrics: GovernanceKit['metrics'];
  readonly log: Logger;
  readonly call: CallContext;
  /** The last run of every job that has run. */
  reports(): Promise<readonly GovernanceRun[]>;
}

/** What a run found. */
export interface Findings {
  readonly checked: number;
  /** Of them, those of which nothing can be said just now. */
  readonly unconfirmed: number;
  /** False when the run ended before everything was looked at: the next one goes on from there. */
  readonly complete: boolean;
  /** All that is known not to be in order, whichever run found it. */
  readonly failures: readonly ChainVerdict[];
}

/** A governance job: runs on a schedule, and on demand. */
export interface GovernanceJob {
  readonly name: string;
  run(context: JobContext): Promise<Findings>;
}
