/** What whoever anchors checkpoints reads of its environment. */
import { defineSettings, jsonText } from '@mcp/contracts';
import { z } from 'zod';
import { AnchorSettings } from './src/settings.ts';

export { AnchorSettings };

export const anchorSettings = defineSettings({
  MCP_LOG_ANCHORS: {
    schema: jsonText(z.array(AnchorSettings).max(10)).prefault('[]'),
    meaning:
      'Where checkpoints of the transparency log are kept outside the platform, as JSON: file (docs/transparency-log.md).',
    from: 'derived.log_anchors',
    operator: true,
  },
});
