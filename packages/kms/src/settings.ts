/** Which key management service wraps data keys: what a stack says of it, and what the core reads. */
import { z } from 'zod';

const Path = z.string().regex(/^[\w-]+(\/[\w-]+)*$/, 'must be a name such as transit');
const Url = z.url({ protocol: /^https?$/, error: 'must be a URL such as https://vault.example:8200' });

export const KmsSettings = z.discriminatedUnion('kind', [
  /** A key of the platform's own secrets. */
  z.strictObject({ kind: z.literal('local') }),
  /** The transit engine of HashiCorp Vault or OpenBao. */
  z.strictObject({
    kind: z.literal('vault'),
    address: Url,
    mount: Path.default('transit'),
    key: z.string().regex(/^[\w-]+$/, 'must be the name of a key, such as mcp'),
    namespace: Path.optional(),
  }),
  z.strictObject({
    kind: z.literal('aws'),
    /** Id, ARN or alias of a symmetric key. */
    key: z.string().min(1).max(2048),
    region: z.string().regex(/^[a-z0-9-]+$/, 'must be a region such as eu-central-1'),
    /** Undefined: Amazon's own. */
    endpoint: Url.optional(),
  }),
  z.strictObject({
    kind: z.literal('gcp'),
    key: z
      .string()
      .regex(
        /^projects\/[^/]+\/locations\/[^/]+\/keyRings\/[^/]+\/cryptoKeys\/[^/]+$/,
        'must be projects/…/locations/…/keyRings/…/cryptoKeys/…',
      ),
    endpoint: Url.default('https://cloudkms.googleapis.com'),
  }),
]);
export type KmsSettings = z.infer<typeof KmsSettings>;
