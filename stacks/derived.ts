/** Values of settings that are more than a field of the stack: a manifest names them as `derived.<name>`. */
import { INJECTION_EMBEDDER } from '@mcp/safety/manifest';
import { backendsOf, gatewayBackends } from './backends.ts';
import type { DeploymentContext, Environment } from './context.ts';
import { connectionsPerReplica } from './database.ts';
import { FLAGS } from './flags.ts';
import { linkedRegions, routesOf } from './peers.ts';
import type { Stack } from './schema.ts';

export const derived = {
  /** Services beside the placed one. */
  in_process: ({ placement }) => placement.in_process.filter((name) => name !== placement.service).join(','),
  /** Every deployment keeps traces unless its operator says otherwise. */
  trace_store: () => 'true',
  bus_url: ({ at }) => {
    const password = at.secret('nats_password');
    const user = password === undefined ? '' : `${at.nats_user ?? 'mcp'}:${password}@`;
    return `${at.nats_tls === true ? 'tls' : 'nats'}://${user}${at.nats_address}`;
  },
  database_connections: ({ stack }) =>
    stack.kubernetes.database === 'external' ? String(connectionsPerReplica(stack)) : undefined,
  prompts_dir: ({ at }) => `${at.data_dir}/prompts`,
  graphs: ({ stack }) => (stack.graphs.length === 0 ? undefined : JSON.stringify(stack.graphs)),
  arbitration: ({ stack }) => stack.arbitration && JSON.stringify(stack.arbitration),
  kms: ({ stack }) => stack.encryption.kms && JSON.stringify(stack.encryption.kms),
  retention: ({ stack }) => stack.retention && JSON.stringify(stack.retention),
  region_routes: ({ stack, at }) => {
    const here = stack.regions.find(({ name }) => name === at.region);
    return here && JSON.stringify(routesOf(stack, here, at.region_url ?? (() => undefined)));
  },
  log_origin: ({ stack, at }) => logOrigin(stack, at.region),
  log_peers: ({ stack, at }) => logPeers(stack, at),
  log_witnesses: ({ stack }) => listed(stack.transparency.witnesses),
  log_anchors: ({ stack }) => listed(stack.transparency.anchors),
  log_witnessed: ({ stack }) => listed(stack.transparency.witnessed),
  flag_list: () => JSON.stringify(Object.entries(FLAGS).map(([name, row]) => ({ name, ...row }))),
  backends: ({ stack }) => backendsOf(stack).join(','),
  gateway_backends: ({ stack, placement, at }) =>
    gatewayBackends(stack, placement, at.operator?.MODEL_BACKENDS).join(','),
  embedded_models: ({ stack, at }) => embeddedModels(stack, at),
  model_aliases: ({ stack }) =>
    Object.keys(stack.aliases).length === 0 ? undefined : JSON.stringify(stack.aliases),
  off_peak: ({ stack }) => stack.off_peak && JSON.stringify(stack.off_peak),
  model_pools: ({ stack }) =>
    Object.keys(stack.pools).length === 0 ? undefined : JSON.stringify(stack.pools),
  residency: ({ stack, at }) => stack.regions.find(({ name }) => name === at.region)?.residency,
  model_residency: ({ stack }) => stack.residency && JSON.stringify(stack.residency),
  queue_weights: ({ stack }) => stack.limits.queue_weights && JSON.stringify(stack.limits.queue_weights),
  queue_batch: ({ stack }) => stack.limits.queue_batch && JSON.stringify(stack.limits.queue_batch),
  remote_concurrency: ({ stack }) => remoteConcurrency(stack),
  pii: ({ stack }) => stack.pii && JSON.stringify(stack.pii),
  risk_thresholds: ({ stack }) => stack.risk.thresholds && JSON.stringify(stack.risk.thresholds),
  safety_embeddings: ({ stack }) => {
    const served = stack.models.some(({ id }) => id === INJECTION_EMBEDDER);
    return (stack.safety.embeddings ?? served) ? 'on' : 'off';
  },
  safety_allow: ({ stack }) => stack.safety.allow && JSON.stringify(stack.safety.allow),
} as const satisfies Readonly<Record<string, (environment: Environment) => string | undefined>>;

/** The name of a region's transparency log. */
function logOrigin(stack: Stack, region: string): string {
  return `${stack.kubernetes.edge.host}/${region}`;
}

/** Linked regions witness each other's logs; a copy of a log is where its region fails over to. */
function logPeers(stack: Stack, { region, peer_url }: DeploymentContext): string | undefined {
  const here = stack.regions.find(({ name }) => name === region);
  if (here === undefined || peer_url === undefined) return undefined;
  const peers = linkedRegions(stack, here).map((other) => ({
    origin: logOrigin(stack, other.name),
    url: `${peer_url(other)}/v1/witness`,
    region: other.name,
    keeps_ours: here.peers.includes(other.name),
    kept_here: other.peers.includes(here.name),
  }));
  return listed(peers);
}

function listed(values: readonly unknown[]): string | undefined {
  return values.length === 0 ? undefined : JSON.stringify(values);
}

function remoteConcurrency(stack: Stack): string | undefined {
  const rows = stack.models.flatMap(({ id, backend, max_concurrency }) =>
    backend === 'embedded' || max_concurrency === undefined ? [] : [[id, max_concurrency] as const],
  );
  return rows.length === 0 ? undefined : JSON.stringify(Object.fromEntries(rows));
}

function embeddedModels(stack: Stack, at: DeploymentContext): string | undefined {
  const rows = stack.models
    .filter((model) => model.backend === 'embedded')
    // They are loaded in this order: nobody waits for a large one to use a small one.
    .sort((a, b) => Number(a.background) - Number(b.background))
    .map((model) => ({
      id: model.id,
      kind: model.kind,
      path: at.asset(model.asset ?? model.id),
      max_context: model.max_context,
      ...(model.max_concurrency === undefined ? {} : { parallel: model.max_concurrency }),
    }));
  return rows.length === 0 ? undefined : JSON.stringify(rows);
}
