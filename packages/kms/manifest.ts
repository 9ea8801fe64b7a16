/** What whoever encrypts what it stores reads of its environment and records. */
import { counter, defineMetrics, defineSettings, histogram, jsonText, wholeText } from '@mcp/contracts';
import { z } from 'zod';
import { KmsSettings } from './src/settings.ts';

export { KmsSettings };

export const kmsSettings = defineSettings({
  MCP_KMS: {
    schema: jsonText(KmsSettings).prefault('{"kind":"local"}'),
    meaning:
      'Key management service that wraps the data keys of conversations, as JSON: local, vault (also OpenBao), aws or gcp (docs/encryption.md).',
    from: 'derived.kms',
    operator: true,
  },
  MCP_KMS_ON_UNAVAILABLE: {
    schema: z.enum(['wait', 'fail']).default('wait'),
    meaning:
      'What happens to a conversation that needs the key management service while it does not answer: wait (so long as MCP_KMS_WAIT_MS says) or fail.',
    from: 'stack.encryption.on_unavailable',
    operator: true,
  },
  MCP_KMS_WAIT_MS: {
    schema: wholeText(100, 60_000).default(10_000),
    meaning: 'How long a conversation waits for the key management service before it fails.',
    operator: true,
  },
  MCP_KMS_CACHE_S: {
    schema: wholeText(1, 86_400).default(900),
    meaning: 'How long a data key is kept in memory after it was unwrapped.',
    operator: true,
  },
  MCP_KMS_KEY: {
    schema: z.string().min(32),
    meaning:
      'Key of the kind local. Several, separated by commas: the first wraps, all unwrap, until data keys were wrapped again.',
    secret: {
      object: 'mcp-kms',
      key: 'key',
      made: { by: 'random', name: 'kms', given: 'may' },
    },
  },
  MCP_KMS_TOKEN: {
    schema: z.string().min(1).optional(),
    meaning:
      'Token for the kind vault, or key file of a service account (JSON) for gcp; aws, and gcp without one, take the identity of the pod.',
    secret: { object: 'mcp-kms-access', key: 'token', made: { by: 'operator' } },
  },
});

export const kmsMetrics = defineMetrics({
  kms_requests_total: counter('conversation', ['kind', 'status'], {
    help: 'Requests to the key management service; kind is wrap, unwrap, rewrap or health, status is ok, refused or unavailable.',
    panels: [{ dashboard: 'operations', title: 'Key management service, requests', by: ['kind', 'status'] }],
    alerts: [
      {
        name: 'McpKmsFails',
        group: 'conversations',
        severity: 'critical',
        expr: 'sum by (status) (rate(kms_requests_total{namespace="$namespace",status!="ok"}[5m])) > 0.02',
        for: '5m',
        summary: 'The key management service fails in $region.',
        description:
          'Requests end {{ $labels.status }}: new conversations cannot be stored, and those whose data key is not cached cannot be read. The log of the core says why (docs/encryption.md).',
      },
    ],
  }),
  kms_request_duration_seconds: histogram('conversation', ['kind'], {
    help: 'Time of requests to the key management service.',
    panels: [{ dashboard: 'operations', title: 'Key management service, time, p95', by: ['kind'] }],
  }),
  conversations_erased_total: counter('conversation', [], {
    help: 'Conversations whose data key was destroyed.',
    panels: [{ dashboard: 'operations', title: 'Conversations erased', by: [] }],
  }),
});
