/** What whoever anchors checkpoints reads of its environment. */
import { defineSettings, jsonText } from '@mcp/contracts';
import { z } from 'zod';
import { AnchorSettings } from './src/settings.ts';

export { AnchorSettings };

export const anchorSettings = defineSettings({
  MCP_LOG_ANCHORS: {
    schema: jsonText(z.array(AnchorSettings).max(10)).prefault('[]'),
    meaning:
      'Where checkpoints of the transparency log are kept outside the platform, as JSON: file, s3 or rekor (docs/transparency-log.md).',
    from: 'derived.log_anchors',
    operator: true,
  },
  MCP_LOG_ANCHOR_S3_KEY: {
    schema: z
      .string()
      .regex(/^[^:\s]+:\S+$/, 'must be <key id>:<secret>')
      .optional(),
    meaning:
      'Key of the object storage that checkpoints are anchored in, as <key id>:<secret>; unset, the identity of the pod.',
    secret: { object: 'mcp-log-anchors', key: 's3_key', made: { by: 'operator' } },
  },
});
