/** Every kind of anchor. A new one: its file here, its row of `AnchorSettings`, its case. */
import type { BucketKey } from '@mcp/object-storage';
import { type Anchor, folderOf, notesOn } from './anchor.ts';
import { folderShelf } from './file.ts';
import type { AnchorSettings } from './settings.ts';

export interface AnchorSecrets {
  /** `MCP_LOG_ANCHOR_S3_KEY`. */
  readonly s3_key: string | undefined;
}

/** Opens the anchor of a log, by the log's name. */
export async function openAnchor(
  settings: AnchorSettings,
  { origin, s3_key }: AnchorSecrets & { readonly origin: string },
): Promise<Anchor> {
  const folder = folderOf(origin);
  switch (settings.kind) {
    case 'file':
      return notesOn(folderShelf(settings.folder, folder));
    case 's3': {
      // The client is large: only who uses it loads it.
      const { s3Shelf } = await import('./s3.ts');
      const { url, retain_days } = settings;
      return notesOn(s3Shelf({ url, retain_days, key: keyOf(s3_key) }, folder));
    }
    default:
      return settings satisfies never;
  }
}

/** `<key id>:<secret>`. */
function keyOf(text: string | undefined): BucketKey | undefined {
  const split = text?.indexOf(':') ?? -1;
  return text === undefined || split < 1
    ? undefined
    : { id: text.slice(0, split), secret: text.slice(split + 1) };
}
