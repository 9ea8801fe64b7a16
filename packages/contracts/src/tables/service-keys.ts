/** The key set by which services believe each other's calls. */
import { z } from 'zod';
import { ServiceName } from './service-name.ts';

const ServiceKey = z.object({
  kty: z.literal('OKP'),
  crv: z.literal('Ed25519'),
  alg: z.literal('EdDSA'),
  use: z.literal('sig'),
  kid: z.string().min(1).max(100),
  x: z.string().length(43),
  /** Whose key it is, which services it may call, and for whom it may speak there. */
  service: ServiceName,
  calls: z.array(ServiceName),
  speaks_for: z.enum(['anyone', 'granted', 'itself']),
});
export type ServiceKey = z.infer<typeof ServiceKey>;

/** The public keys of all services (RFC 7517), with what each of them may do. A service has two while one is exchanged. */
export const ServiceKeySet = z.object({ keys: z.array(ServiceKey).min(1).max(64) });
export type ServiceKeySet = z.infer<typeof ServiceKeySet>;
