import { AssetStore } from '@mcp/assets';
import type { ServiceName, DependencyVariable as Variable } from '@mcp/contracts';
import {
  busStorageBytes,
  type DeclaredSecret,
  type DeploymentContext,
  type Region,
  runHere,
  SECRETS,
  type SecretName,
  serviceEnvironment,
  services,
  servicesOf,
  VARIABLES,
} from '@mcp/stacks';
import { hostOf, type RegionContext, type Workload } from '../../context.ts';
import { MODELS_DIR } from '../../weights.ts';
import { portOf } from '../dependency/place.ts';
import { urlOf } from '../edge/edge.ts';

export const DATA_DIR = '/data';

/**
 * What a pod is told: references to Secrets first, for values may name them, then plain values. They stand in the pod
 * template and not in a ConfigMap, so that every revision of a workload keeps its own, in a rollback too.
 */
export interface PodEnvironment {
  readonly plain: readonly Variable[];
  readonly secret: readonly Variable[];
}

/** A pod that was killed is replaced by another within this time. */
const POD_RETURNS_MS = 20_000;
/** More copies than three make a stream slower and hardly safer. */
const MOST_COPIES = 3;
const NATS_PASSWORD = 'NATS_PASSWORD';
const weights = new AssetStore({ cache_dir: MODELS_DIR, env: {} });

/** Where a model's weights are in a pod. */
function assetPath(id: string): string {
  return weights.expected(id);
}

/** Where services of a region reach the gateway of another one: within the cluster, where both are in one. */
function peerUrlOf({ stack, region }: RegionContext, other: Region): string {
  if (other.kube_context !== region.kube_context) return urlOf({ stack, region: other });
  return `http://${hostOf(stack, 'gateway')}.${other.namespace}.svc.cluster.local:${services.gateway.port}`;
}

/** Name of the Secret with a user's password for the event bus. */
function natsSecretOf(name: string): `mcp-nats-${string}` {
  return `mcp-nats-${name}`;
}

/**
 * The environment of a pod; the same function gives a local process its own. `hosts`: Services that stand for others'
 * own.
 */
export function environmentOf(
  context: RegionContext,
  { placement }: Workload,
  hosts: Readonly<Partial<Record<ServiceName, string>>> = {},
): PodEnvironment {
  const { stack, region } = context;
  const host = placement.service;
  const endpoints: Partial<Record<ServiceName, string>> = {};
  for (const name of stack.services.flatMap((one) => servicesOf(one)))
    endpoints[name] = `http://${hosts[name] ?? hostOf(stack, name)}:${services[name].port}`;
  const all = serviceEnvironment(stack, placement, {
    region: region.name,
    host: '0.0.0.0',
    endpoints,
    data_dir: DATA_DIR,
    metrics_port: context.settings.metrics_port,
    ...busOf(context, host),
    region_url: (one) => urlOf({ stack, region: one }),
    peer_url: (one) => peerUrlOf(context, one),
    secret: (name) => referenceTo(context, name),
    asset: assetPath,
    operator: {
      MCP_CONNECT_TIMEOUT_MS: String(POD_RETURNS_MS),
      ...collectorOf(context),
    },
  });
  const secret_names = new Set(VARIABLES.filter((row) => row.secret).map(({ name }) => name));
  const plain = Object.entries(all)
    .filter(([name]) => !secret_names.has(name))
    .map(([name, value]) => ({ name, value: literal(value) }))
    .sort((a, b) => (a.name < b.name ? -1 : 1));
  const secret = Object.entries(all).flatMap(([name, value]) =>
    secret_names.has(name) ? [secretVariable(name, value)] : [],
  );
  const needs_bus = MCP_NATS in all;
  return { plain, secret: needs_bus ? [passwordOf(host), ...secret] : secret };
}

/** A value as it is: the kubelet replaces `$(NAME)`, which only references to Secrets mean. */
function literal(value: string): string {
  return value.replaceAll('$(', '$$$$(');
}

/** Where the event bus is, and as whom a pod speaks to it. */
function busOf(
  { stack, settings }: RegionContext,
  host: ServiceName,
): Pick<DeploymentContext, 'nats_address' | 'nats_user' | 'nats_tls' | 'nats_copies' | 'nats_storage_bytes'> {
  const said = settings.dependencies.nats;
  const nats_copies = Math.min(
    MOST_COPIES,
    said === undefined || 'hosts' in said ? MOST_COPIES : said.replicas,
  );
  const { external_url } = stack.nats;
  if (external_url === undefined)
    return {
      nats_address: `nats:${portOf('nats', 'client')}`,
      nats_user: host,
      nats_copies,
      nats_storage_bytes: busStorageBytes(settings),
    };
  const { host: nats_address, protocol } = new URL(external_url);
  return { nats_address, nats_user: host, nats_tls: protocol === 'tls:', nats_copies };
}

const MCP_NATS = 'MCP_NATS_URL';

/** A secret is asked for by name; what comes back is put into a value, where the kubelet replaces it. */
function referenceTo(context: RegionContext, name: SecretName): string | undefined {
  if (name === 'nats_password') return `$(${NATS_PASSWORD})`;
  return context.secrets.has(SECRETS[name].object) ? `secret:${name}` : undefined;
}

function secretVariable(name: string, value: string): Variable {
  if (!value.startsWith('secret:')) return { name, value };
  const { object, key } = SECRETS[value.slice('secret:'.length) as DeclaredSecret];
  return { name, secret: { object, key, optional: isOptional(object) } };
}

/** Keys that an operator gives into one object may come one by one. */
function isOptional(object: string): boolean {
  const given = Object.values(SECRETS).filter((row) => row.object === object && row.made.by === 'operator');
  return given.length > 1;
}

function passwordOf(host: ServiceName): Variable {
  return { name: NATS_PASSWORD, secret: { object: natsSecretOf(host), key: 'password' } };
}

function collectorOf({ stack }: RegionContext): Record<string, string> {
  return runHere(stack, 'collector') === undefined
    ? {}
    : { OTEL_EXPORTER_OTLP_ENDPOINT: `http://collector:${portOf('collector', 'otlp-http')}` };
}
