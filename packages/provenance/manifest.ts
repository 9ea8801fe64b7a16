/** What whoever checks conversation logs records: core when it is asked, governance all the time. */
import { counter, defineMetrics } from '@mcp/contracts';

export const provenanceMetrics = defineMetrics({
  provenance_verifications_total: counter('governance', ['status'], {
    help: 'Logs checked; status is ok, unconfirmed or broken.',
    panels: [{ dashboard: 'operations', title: 'Hash chains checked', by: ['service', 'status'] }],
    alerts: [
      {
        name: 'McpChainVerificationFailed',
        group: 'governance',
        severity: 'critical',
        expr: 'sum by (service) ((provenance_verifications_total{namespace="$namespace",status="broken"} unless provenance_verifications_total{namespace="$namespace",status="broken"} offset 1h) or increase(provenance_verifications_total{namespace="$namespace",status="broken"}[1h])) > 0',
        for: '0m',
        summary: 'A conversation log does not verify in $region.',
        description:
          '{{ $labels.service }} found {{ $value | humanize }} hash chains broken within an hour. Its log names the conversations and the first broken entry.',
      },
    ],
  }),
});
