import { z } from 'zod';
import { ConversationLog } from './log.ts';
import { ProvenEntry } from './log-entry.ts';
import { KeyHistory } from './log-keys.ts';

const VerifierKey = z.string().max(500);

/** A conversation with the proof that it is in the transparency log: one file, which verifies offline. */
export const ProofBundle = z.object({
  type: z.literal('mcp/proof-bundle@v1'),
  log: ConversationLog,
  /** That the last run ended with all these records; and of records that came after it. */
  entries: z.array(ProvenEntry).max(10_000),
  /** Keys of the log and of its witnesses, as C2SP signed-note writes them. Compare them with those that you trust. */
  log_keys: z.array(VerifierKey).max(1000),
  witness_keys: z.array(VerifierKey).max(100),
  /** How the keys of the log followed each other: who trusts one of them follows to the others. */
  log_key_history: KeyHistory.optional(),
});
export type ProofBundle = z.infer<typeof ProofBundle>;
