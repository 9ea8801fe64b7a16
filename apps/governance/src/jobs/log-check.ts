import type { ChainVerdict } from '@mcp/contracts';
import type { GovernanceJob } from './job.ts';

const PAGE = 200;
const MAX_FAILURES = 1000;

/** Verifies the hash chain, the seal and the file of every conversation. */
export const logCheck: GovernanceJob = {
  name: 'log-check',
  async run({ clients, metrics, log, call }) {
    const failures: ChainVerdict[] = [];
    let checked = 0;
    let before: string | undefined;
    for (;;) {
      const page = await clients.core.listConversations({ limit: PAGE, before }, call);
      for (const { id, status } of page) {
        if (status === 'running') continue;
        const verdict = await clients.core.verifyConversation(id, call);
        checked++;
        metrics.inc('provenance_verifications_total', { status: verdict.ok ? 'ok' : 'broken' });
        if (verdict.ok) continue;
        log.error(
          { conversation_id: id, broken_at: verdict.broken_at, reason: verdict.reason },
          'a conversation log does not verify',
        );
        if (failures.length < MAX_FAILURES) failures.push(verdict);
      }
      before = page.at(-1)?.updated_at;
      if (page.length < PAGE || before === undefined) return { checked, failures };
    }
  },
};
