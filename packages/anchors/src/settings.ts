/** Where checkpoints of a log are anchored: what a stack says of it, and what the transparency log reads. */
import { BucketUrl } from '@mcp/object-storage/manifest';
import { z } from 'zod';

/** How often an anchor gets the newest checkpoint, and is compared with the log. */
const every_s = z
  .number()
  .int()
  .min(1)
  .max(7 * 86_400)
  .default(3600);

const Folder = z
  .string()
  .regex(/^\/[^\0]{0,1000}$/, 'must be the absolute path of a folder, such as /mnt/anchors');
const PlainBucketUrl = BucketUrl.refine((url) => !/^s3:\/\/[^/?#]*@/.test(url), {
  error: 'must have no key in it: that is the secret MCP_LOG_ANCHOR_S3_KEY',
});
/** In a cluster: the PersistentVolumeClaim that is mounted there, in the namespace of each region. */
const claim = z
  .string()
  .regex(/^[a-z0-9]([a-z0-9.-]{0,61}[a-z0-9])?$/, 'must be the name of a claim')
  .optional();

export const AnchorSettings = z.discriminatedUnion('kind', [
  /** A folder: of another machine, or of a volume that is written once. */
  z.strictObject({
    kind: z.literal('file'),
    folder: Folder,
    claim,
    every_s,
  }),
  /** Object storage; its key is a secret of its own, or the identity of the pod. */
  z.strictObject({
    kind: z.literal('s3'),
    url: PlainBucketUrl,
    /** How long each object is locked; undefined: as the bucket has it for new ones. */
    retain_days: z.number().int().min(1).max(36_500).optional(),
    every_s,
  }),
  /** A log of Sigstore's, version 2, which anybody watches. */
  z.strictObject({
    kind: z.literal('rekor'),
    url: z.url({ protocol: /^https?$/, error: 'must be a URL such as https://log2025-1.rekor.sigstore.dev' }),
    /** Its key, as C2SP signed-note writes it; behind it those of Rekors before it whose receipts are kept. */
    keys: z.array(z.string().min(1).max(1000)).min(1).max(20),
    /** Where its receipts are kept, as its log is not searched: a folder or a bucket, as of the other kinds. */
    receipts: z.union([PlainBucketUrl, Folder]),
    claim,
    every_s,
  }),
]);
export type AnchorSettings = z.infer<typeof AnchorSettings>;
