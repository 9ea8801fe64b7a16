/** What the environment of a service is made from: a stack, a placement, and where it is deployed. */
import type { ServiceName } from '@mcp/contracts';
import type { Placed } from './placement.ts';
import type { Region, Stack } from './schema.ts';
import type { SecretName } from './secrets.ts';

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
  /** Base URL of a linked region's gateway, as services of this one reach it. */
  readonly peer_url?: (region: Region) => string;
  /**
   * Gives a secret, or a reference that the platform puts in its place (`$(NAME)` in Kubernetes).
   * The NATS password must need no escaping in a URL. Undefined: there is none, its variable is left out.
   */
  readonly secret: (name: SecretName) => string | undefined;
  /** Where an asset is, or will be once it has arrived: a file, or the folder of an embedding model. */
  readonly asset: (id: string) => string;
  /** Variables the operator sets; only those whose setting says `operator`. They win over the stack. */
  readonly operator?: Readonly<Record<string, string | undefined>>;
}

/** Everything the value of a variable may depend on. */
export interface Environment {
  readonly stack: Stack;
  readonly placement: Placed;
  readonly at: DeploymentContext;
}
