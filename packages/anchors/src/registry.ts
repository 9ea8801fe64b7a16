/** Every kind of anchor. A new one: its file here, its row of `AnchorSettings`, its case. */
import type { KeyObject } from 'node:crypto';
import type { BucketKey } from '@mcp/object-storage';
import { decodeVerifier } from '@mcp/provenance/tlog';
import { type Anchor, anchorOn, folderOf } from './anchor.ts';
import { folderShelf } from './file.ts';
import { receiptsOf } from './rekor.ts';
import type { AnchorSettings } from './settings.ts';
import type { Shelf } from './shelf.ts';

export interface AnchorOptions {
  /** The log's name. */
  readonly origin: string;
  /** `MCP_LOG_ANCHOR_S3_KEY`. */
  readonly s3_key: string | undefined;
  /** ECDSA P-256: what is signed with for Rekor. */
  readonly rekor_key: KeyObject;
}

/** Opens an anchor of a log. Throws where a key of the settings cannot be read. */
export async function openAnchor(settings: AnchorSettings, options: AnchorOptions): Promise<Anchor> {
  switch (settings.kind) {
    case 'file':
      return anchorOn(folderShelf(settings.folder, folderOf(options.origin)));
    case 's3':
      return anchorOn(await bucketShelf(settings, options));
    case 'rekor': {
      const { url, receipts } = settings;
      const keys = settings.keys.map((key) => decodeVerifier(key));
      const shelf = receipts.startsWith('s3://')
        ? await bucketShelf({ url: receipts }, options)
        : folderShelf(receipts, folderOf(options.origin));
      const form = receiptsOf({ url, keys, key: options.rekor_key });
      return anchorOn({ ...shelf, place: `${url}, receipts in ${shelf.place}` }, form);
    }
    default:
      return settings satisfies never;
  }
}

async function bucketShelf(
  { url, retain_days }: { readonly url: string; readonly retain_days?: number | undefined },
  { origin, s3_key }: AnchorOptions,
): Promise<Shelf> {
  // The client is large: only who uses it loads it.
  const { s3Shelf } = await import('./s3.ts');
  return s3Shelf({ url, retain_days, key: keyOf(s3_key) }, folderOf(origin));
}

/** `<key id>:<secret>`. */
function keyOf(text: string | undefined): BucketKey | undefined {
  const split = text?.indexOf(':') ?? -1;
  return text === undefined || split < 1
    ? undefined
    : { id: text.slice(0, split), secret: text.slice(split + 1) };
}
