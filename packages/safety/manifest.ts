/** What whoever looks at texts reads of its environment and records: the gateway at what is asked and answered, the core at turns. */
import { defineMetrics, defineSettings, jsonText } from '@mcp/contracts';
import { z } from 'zod';
import { CATEGORY_NAMES, type SafetyCategory } from './src/categories.ts';

const Allow = z.strictObject({
  categories: z.array(z.enum(CATEGORY_NAMES as [SafetyCategory, ...SafetyCategory[]])).default([]),
  texts: z.array(z.string().min(1).max(1000)).max(1000).default([]),
});

export const safetySettings = defineSettings({
  MCP_SAFETY: {
    schema: z.enum(['off', 'flag', 'enforce']).default('enforce'),
    meaning:
      'What becomes of texts that break the safety policy: enforce (severe ones are blocked), flag (all are told, none is stopped) or off.',
    from: 'stack.safety.mode',
    operator: true,
  },
  MCP_SAFETY_MODERATE: {
    schema: z.enum(['flag', 'redact']).default('flag'),
    meaning: 'What enforce does to moderate findings in answers: flag, or redact.',
    from: 'stack.safety.moderate',
    operator: true,
  },
  MCP_SAFETY_ALLOW: {
    schema: jsonText(
      Allow,
      'must be JSON such as {"categories":["violence"],"texts":["school shooting"]}',
    ).prefault('{}'),
    meaning:
      'What the safety policy lets pass, as JSON: categories that are not looked for, and texts whose rules are off.',
    from: 'derived.safety_allow',
    operator: true,
  },
});

export const safetyMetrics = defineMetrics({
  safety_findings_total: {
    type: 'counter',
    category: 'conversation',
    unit: '1',
    labels: ['kind', 'phase', 'status'],
    help: 'What the safety stages found, once for each request or turn: kind is the category, phase the tier, status the severity.',
    panels: [{ dashboard: 'models', title: 'Safety findings', by: ['kind', 'status'] }],
  },
  safety_actions_total: {
    type: 'counter',
    category: 'conversation',
    unit: '1',
    labels: ['status'],
    help: 'Requests and turns with safety findings, by the worst that was done about them.',
    panels: [{ dashboard: 'models', title: 'Safety actions', by: ['status'] }],
    alerts: [
      {
        name: 'McpSafetyBlocks',
        group: 'conversations',
        severity: 'warning',
        expr: 'sum by (service) (rate(safety_actions_total{namespace="$namespace",status="blocked"}[15m])) > 0.2',
        for: '15m',
        summary: 'The safety policy blocks many texts in $region.',
        description:
          '{{ $value | humanize }} texts a second are blocked by {{ $labels.service }}: look for a client that attacks, or a rule that is too strict (docs/safety.md).',
      },
    ],
  },
});
