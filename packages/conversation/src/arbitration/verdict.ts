import type { Decision } from '@mcp/contracts';

/** What the arbitration finds; what happened around it is added by who ran it. */
export type Verdict = Omit<Decision, 'critique_turn' | 'duration_ms'>;
