import type { RegionRoute } from '@mcp/contracts';
import type { Region, Stack } from './schema.ts';

/** Regions that the event bus of this one is linked with: one of the two names the other as its peer. */
export function linkedRegions(stack: Stack, region: Region): Region[] {
  return stack.regions.filter(
    (other) =>
      other.name !== region.name && (region.peers.includes(other.name) || other.peers.includes(region.name)),
  );
}

/** Regions that fail over to this one: it keeps copies of what they share. */
export function failingOverTo(stack: Stack, region: Region): Region[] {
  return stack.regions.filter(({ peers }) => peers.includes(region.name));
}

/** Of two linked regions the preferred one listens, and the other dials: one link, whatever the order of the rows. */
export function dials(from: Region, to: Region): boolean {
  return from.priority === to.priority ? from.name > to.name : from.priority > to.priority;
}

/** The routing table of a region: itself, then its peers in their order, then the others by priority. */
export function routesOf(
  stack: Stack,
  here: Region,
  urlOf: (region: Region) => string | undefined,
): RegionRoute[] {
  const rank = ({ name, priority }: Region) => {
    if (name === here.name) return -1;
    const at = here.peers.indexOf(name);
    return at === -1 ? here.peers.length + priority : at;
  };
  return [...stack.regions]
    .sort((a, b) => rank(a) - rank(b) || a.name.localeCompare(b.name))
    .map((region) => ({
      name: region.name,
      residency: region.residency,
      latency_zone: region.latency_zone,
      priority: region.priority,
      url: urlOf(region) ?? null,
      fails_over_here: region.peers.includes(here.name),
    }));
}
