/** Gateways that ask one another: each counts the request on, so that one that goes in a circle ends. */
import { PlatformError } from '@mcp/contracts';
import type { KitContext } from '@mcp/service-kit';

const HOPS_HEADER = 'x-mcp-hops';
/** Gateways in a row. More are a circle: each of them may try again, and that multiplies. */
const MAX_HOPS = 3;

/**
 * How many gateways a request has passed before this one. Throws `invalid_request`, after which nobody tries again,
 * where it may pass no other one.
 */
export function hopsOf(c: KitContext): number {
  const given = c.req.header(HOPS_HEADER);
  if (given === undefined) return 0;
  const hops = /^\d{1,3}$/.test(given) ? Number(given) : Number.NaN;
  if (hops < MAX_HOPS) return hops;
  throw new PlatformError(
    'invalid_request',
    Number.isNaN(hops)
      ? `${HOPS_HEADER}: must be a whole number below ${MAX_HOPS} (got ${given.slice(0, 40)}). Gateways set it; leave it out.`
      : `The request has passed ${hops} gateways (${HOPS_HEADER}), at most ${MAX_HOPS} may ask one another: their models lead in a circle. Take this gateway out of the servers that it asks itself, by whatever way, or name a model that another one of them has.`,
    { param: 'model' },
  );
}
