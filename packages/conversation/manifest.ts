/** What whoever makes contexts fit records: the core those of turns, the gateway those of completions that ask for it. */
import { counter, defineMetrics } from '@mcp/contracts';

export const budgetMetrics = defineMetrics({
  token_budget_actions_total: counter('conversation', ['model', 'phase'], {
    help: 'What the token budget did to a context; phase is none, truncated, clustered or summarized.',
    panels: [{ dashboard: 'models', title: 'Token budget', by: ['model', 'phase'] }],
    alerts: [
      {
        name: 'McpTokenBudgetOverflow',
        group: 'conversations',
        severity: 'warning',
        expr: 'sum by (model) (rate(token_budget_actions_total{namespace="$namespace",phase="truncated"}[30m])) / sum by (model) (rate(token_budget_actions_total{namespace="$namespace"}[30m])) > 0.05',
        for: '30m',
        summary: 'Conversations with {{ $labels.model }} outgrow their token budget in $region.',
        description:
          '{{ $value | humanizePercentage }} of the turns lose sentences of their context; raise limits.max_tokens, or ask for shorter answers.',
      },
    ],
  }),
});
