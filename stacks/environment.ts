import type { ServiceName } from '@mcp/contracts';
import { gatewayBackends } from './backends.ts';
import { type SigningKeyName, serviceVariable } from './identities.ts';
import type { Region, ServicePlacement, Stack } from './schema.ts';
import { services } from './services.ts';
import { type Scope, VARIABLES } from './variables.ts';

/** Secrets of a platform. Kubernetes names them, the local runner reads them from files; here they are only asked for. */
export const SECRET_NAMES = [
  'service_jwks',
  'prov_secret',
  'nats_password',
  'admin_key_hash',
  'database_url',
  'log_archive_url',
  'openai_api_key',
  'openai_targets',
] as const;
export type SecretName = (typeof SECRET_NAMES)[number] | SigningKeyName;

/** What a stack cannot know: where things are on this machine or in this cluster. */
export interface DeploymentContext {
  /** Name of the region, one of the stack's. */
  readonly region: string;
  /** Address to listen on. */
  readonly host: string;
  /** Base URL of every placed service, as its callers reach it. */
  readonly endpoints: Readonly<Partial<Record<ServiceName, string>>>;
  /** Ports that differ from the manifest's. */
  readonly ports?: Readonly<Partial<Record<ServiceName, number>>>;
  /** Port of each process for its metrics alone; undefined: none, as where processes share a host. */
  readonly metrics_port?: number;
  /** Directory for what must survive. */
  readonly data_dir: string;
  /** `host:port` of the event bus. */
  readonly nats_address: string;
  /** Its user; undefined: `mcp`, who may do everything there. */
  readonly nats_user?: string;
  /** True: the bus speaks TLS with a certificate of a public authority, as a managed one does. */
  readonly nats_tls?: boolean;
  /** Servers that keep a copy of each stream; undefined: one. */
  readonly nats_copies?: number;
  /** What one server of the bus may store, in bytes; undefined: unknown, as where somebody else runs it. */
  readonly nats_storage_bytes?: number;
  /** Base URL of a region's gateway, where it is known beforehand. */
  readonly region_url?: (region: Region) => string | undefined;
  /**
   * Gives a secret, or a reference that the platform puts in its place (`$(NAME)` in Kubernetes).
   * The NATS password must need no escaping in a URL. Undefined: there is none, its variable is left out.
   */
  readonly secret: (name: SecretName) => string | undefined;
  /** Where an asset is, or will be once it has arrived: a file, or the folder of an embedding model. */
  readonly asset: (id: string) => string;
  /** Variables the operator sets; only those that the table marks `operator`. They win over the stack. */
  readonly operator?: Readonly<Record<string, string | undefined>>;
}

/** The services of one process or pod: the placed one, and those in the same process. */
export type Placed = Pick<ServicePlacement, 'service' | 'in_process'>;

/** Everything the rows of the table may look at. */
export interface Environment {
  readonly stack: Stack;
  readonly placement: Placed;
  readonly at: DeploymentContext;
}

/** The services of one process or pod: the placed one, then those in the same process. */
export function servicesOf(placement: Placed): readonly ServiceName[] {
  return [placement.service, ...placement.in_process.filter((name) => name !== placement.service)];
}

/**
 * The environment of one process or pod: THE place where a stack becomes what a service reads.
 * Pure. A variable goes only to the services that need it; a service never sees a secret it has no use for.
 * Throws when the deployment context lacks an endpoint that a placed service calls.
 */
export function serviceEnvironment(
  stack: Stack,
  placement: Placed,
  at: DeploymentContext,
): Record<string, string> {
  const scope: Environment = { stack, placement, at };
  const here = servicesOf(placement);
  const out: Record<string, string> = {};
  for (const row of VARIABLES) {
    if (!applies(row.for, scope)) continue;
    const operator = row.operator === true ? at.operator?.[row.name] : undefined;
    const value = present(operator) ?? present(row.value?.(scope));
    if (value !== undefined) out[row.name] = value;
  }
  for (const [name, value] of [...portRows(scope, here), ...urlRows(scope, here), ...flagRows(scope)])
    out[name] = value;
  return out;
}

function applies(scope: Scope, { stack, placement, at }: Environment): boolean {
  const here = servicesOf(placement);
  if (scope === 'all') return true;
  if (scope === 'bus') return here.some((name) => services[name].needs.includes('nats'));
  if (scope === 'remote')
    return (
      here.includes('model-gateway') ||
      gatewayBackends(stack, placement, at.operator?.MODEL_BACKENDS).length > 0
    );
  return scope.some((name) => here.includes(name));
}

function portRows(scope: Environment, here: readonly ServiceName[]): [string, string][] {
  return here.flatMap((name) => {
    const port = scope.at.ports?.[name];
    return port === undefined || port === services[name].port
      ? []
      : [[serviceVariable(name, 'PORT'), String(port)] as [string, string]];
  });
}

function urlRows(scope: Environment, here: readonly ServiceName[]): [string, string][] {
  const called = new Set(here.flatMap((name) => services[name].calls).filter((name) => !here.includes(name)));
  return [...called].map((name) => {
    const url = scope.at.endpoints[name];
    if (url === undefined)
      throw new Error(
        `${here.join(', ')} calls ${name}, which has no endpoint in the stack ${scope.stack.name}. Place ${name}, or give its URL.`,
      );
    return [serviceVariable(name, 'URL'), url];
  });
}

/** Flags are read by every service; the operator's value wins over the stack's. */
function flagRows(scope: Environment): [string, string][] {
  const operator = Object.entries(scope.at.operator ?? {}).filter(
    (entry): entry is [string, string] => isFlag(entry[0]) && present(entry[1]) !== undefined,
  );
  const stack = Object.entries(scope.stack.features).map(
    ([name, on]) => [name, String(on)] as [string, string],
  );
  return [...stack, ...operator];
}

/** Names of feature flags end in `_ENABLED` (a test holds the table of flags to it). */
export function isFlag(name: string): boolean {
  return /^[A-Z][A-Z0-9_]*_ENABLED$/.test(name);
}

function present(value: string | undefined): string | undefined {
  return value === undefined || value === '' ? undefined : value;
}
