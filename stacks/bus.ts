import type { VariableRow } from './variables.ts';

/** Variables of the event bus: where it is, and how much of it is whose. */
export const busVariables: readonly VariableRow[] = [
  {
    name: 'MCP_NATS_URL',
    for: 'bus',
    meaning: 'Event bus (NATS with JetStream), user and password included.',
    value: ({ at }) => {
      const password = at.secret('nats_password');
      return `${at.nats_tls === true ? 'tls' : 'nats'}://${password === undefined ? '' : `${at.nats_user ?? 'mcp'}:${password}@`}${at.nats_address}`;
    },
    secret: true,
  },
  {
    name: 'MCP_BUS_REPLICAS',
    for: 'bus',
    meaning: 'Servers of the event bus that keep a copy of each stream and bucket: 1, 3 or 5.',
    value: ({ at }) => (at.nats_copies === undefined ? undefined : String(at.nats_copies)),
  },
  {
    name: 'MCP_EVENT_LOG_BYTES',
    for: ['core'],
    meaning: 'Size of the log on the event bus from which running conversations are followed.',
    operator: true,
  },
  {
    name: 'MCP_LOG_HEADS_BYTES',
    for: ['core'],
    meaning: 'Size of the bucket on the event bus with the head of every conversation log.',
    operator: true,
  },
  {
    name: 'MCP_BUS_STORAGE_BYTES',
    for: ['governance'],
    meaning:
      'What one server of the event bus may store; unset, the metric bus_storage_limit_bytes is left out.',
    value: ({ at }) => (at.nats_storage_bytes === undefined ? undefined : String(at.nats_storage_bytes)),
  },
];
