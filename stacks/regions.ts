import type { Region } from './schema.ts';

/** Every region. A new one is a new row; stacks pick rows by name. */
const rows = {
  local: {
    name: 'local',
    residency: 'any',
    kube_context: 'current',
    namespace: 'mcp',
    latency_zone: 'local',
    peers: [],
    priority: 0,
  },
  'local-eu': {
    name: 'local-eu',
    residency: 'eu',
    kube_context: 'current',
    namespace: 'mcp-local-eu',
    latency_zone: 'eu',
    peers: ['local-us'],
    priority: 0,
  },
  'local-us': {
    name: 'local-us',
    residency: 'us',
    kube_context: 'current',
    namespace: 'mcp-local-us',
    latency_zone: 'us',
    peers: ['local-eu'],
    priority: 1,
  },
  dev: {
    name: 'dev',
    residency: 'eu',
    kube_context: 'mcp-dev',
    namespace: 'mcp-dev',
    latency_zone: 'eu',
    peers: [],
    priority: 0,
  },
  'eu-central': {
    name: 'eu-central',
    residency: 'eu',
    kube_context: 'mcp-eu-central',
    namespace: 'mcp',
    latency_zone: 'eu',
    peers: ['us-east'],
    priority: 0,
  },
  'us-east': {
    name: 'us-east',
    residency: 'us',
    kube_context: 'mcp-us-east',
    namespace: 'mcp',
    latency_zone: 'us',
    peers: ['eu-central'],
    priority: 1,
  },
} as const satisfies Record<string, Omit<Region, 'peers'> & { peers: readonly string[] }>;

/** A region of the table by its name. */
export function region(name: keyof typeof rows): Region {
  const row = rows[name];
  return { ...row, peers: [...row.peers] };
}
