/** What whoever encrypts what it stores reads of its environment and records. */
import {
  counter,
  defineMetrics,
  defineSettings,
  gauge,
  histogram,
  jsonText,
  wholeText,
} from '@mcp/contracts';
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
    help: 'Requests to the key management service; kind is wrap, unwrap, rewrap or health (the look every 30 s), status is ok, refused or unavailable.',
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
  kms_up: gauge('conversation', [], {
    help: 'Whether the key management service wrapped and unwrapped when last asked, every 30 s: 1 or 0.',
    panels: [{ dashboard: 'operations', title: 'Key management service is there', by: [] }],
    alerts: [
      {
        name: 'McpKmsAway',
        group: 'conversations',
        severity: 'critical',
        expr: 'min(kms_up{namespace="$namespace"}) < 1',
        for: '2m',
        summary: 'The key management service of $region does not wrap and unwrap.',
        description:
          'No conversation can be begun. Those whose data key is in memory go on until it leaves it, MCP_KMS_CACHE_S after it was unwrapped. The log of the core says whether it is away or refuses (docs/encryption.md).',
      },
    ],
  }),
  data_keys_cached_until_timestamp_seconds: gauge('conversation', [], {
    unit: 's',
    help: 'Unix time when the last data key leaves the memory of the core; 0: it has none.',
    panels: [{ dashboard: 'operations', title: 'Data keys in memory until', by: [] }],
    alerts: [
      {
        name: 'McpDataKeysEnd',
        group: 'conversations',
        severity: 'critical',
        expr: 'min(kms_up{namespace="$namespace"}) < 1 and max(data_keys_cached_until_timestamp_seconds{namespace="$namespace"}) - time() < 300',
        for: '1m',
        summary: 'The last data keys in memory of $region end within five minutes.',
        description:
          'The key management service does not answer, and after them no conversation can be read or gone on with, until it is back. Nothing is lost (docs/encryption.md).',
      },
    ],
  }),
  conversations_erased_total: counter('conversation', [], {
    help: 'Conversations whose data key was destroyed.',
    panels: [{ dashboard: 'operations', title: 'Conversations erased', by: [] }],
  }),
});
