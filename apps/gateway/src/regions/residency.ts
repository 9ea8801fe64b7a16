import { PlatformError, Residency } from '@mcp/contracts';
import type { KitContext } from '@mcp/service-kit';
import type { Gateway } from '../gateway.ts';

const RESIDENCY_HEADER = 'x-mcp-residency';

/**
 * A request that says where its data must stay is worked on there or not at all. Throws `wrong_region` (421, RFC 9110
 * section 15.5.20) with the regions that may, before any of the body is read.
 */
export function assertResidency({ kit }: Gateway, c: KitContext): void {
  const given = c.req.header(RESIDENCY_HEADER);
  if (given === undefined) return;
  const wanted = Residency.safeParse(given);
  if (!wanted.success)
    throw new PlatformError(
      'invalid_request',
      `${RESIDENCY_HEADER}: must be ${Residency.options.join(', ')} (got ${given.slice(0, 40)}).`,
      { param: RESIDENCY_HEADER },
    );
  const { MCP_REGIONS: regions } = kit.config;
  const { MCP_REGION: name } = kit.common;
  const here = regions.find((region) => region.name === name);
  if (wanted.data === 'any' || here?.residency === wanted.data) return;
  const fitting = regions.flatMap((region) =>
    region.residency === wanted.data
      ? [region.url === null ? region.name : `${region.name} (${region.url})`]
      : [],
  );
  throw new PlatformError(
    'wrong_region',
    `This is the region ${name} with the residency ${here?.residency ?? 'unknown'}, and ${RESIDENCY_HEADER} asks for ${wanted.data}. Nothing was processed. ${
      fitting.length === 0 ? 'No region of this platform has it.' : `Ask ${fitting.join(' or ')}.`
    }`,
    { param: RESIDENCY_HEADER },
  );
}

/** Where a request that was let in must stay; undefined: it did not say. */
export function residencyOf(c: KitContext): Residency | undefined {
  return Residency.safeParse(c.req.header(RESIDENCY_HEADER)).data;
}
