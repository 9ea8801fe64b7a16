/** Servers that the operator runs: their models cost nothing, and a conversation that names no model takes them. */
import { listText, type ModelFacts } from '@mcp/contracts';
import { z } from 'zod';

export const SELF_HOSTED = {
  cost_input_per_mtok_usd: 0,
  cost_output_per_mtok_usd: 0,
  cost_cached_input_per_mtok_usd: 0,
  own: true,
} as const satisfies ModelFacts;

/** Addresses of servers of one kind, separated by commas; what stands behind the host may be `/v1` or nothing. */
export const ServerUrls = serverUrls(z.url());

/** As {@link ServerUrls}, of addresses of another kind. */
export function serverUrls(address: z.ZodURL) {
  return listText(
    z.array(address.transform((url) => url.replace(/\/(v1\/?)?$/, ''))).min(1, 'must name at least one URL'),
  );
}

/** The servers of one kind with their names: `vllm`, `vllm-2`, … */
export function namedServers(name: string, urls: readonly string[]): { name: string; url: string }[] {
  return urls.map((url, at) => ({ name: at === 0 ? name : `${name}-${at + 1}`, url }));
}
