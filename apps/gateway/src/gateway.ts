import type { ModelGatewayApi } from '@mcp/contracts';
import type { ServiceKit } from '@mcp/service-kit';
import type { Admission } from './admission.ts';
import type { Authenticator } from './auth/authenticator.ts';
import type { KeyStore } from './auth/keys.ts';
import type { GatewayEnv } from './config.ts';
import type { LiveFigures } from './live.ts';
import type { ModelCatalog } from './models.ts';
import type { LiveStats } from './stats.ts';
import type { Traces } from './traces.ts';

/** What the routes work with. */
export interface Gateway {
  readonly kit: ServiceKit<GatewayEnv>;
  /** Where models are asked; looked up for each call, for services may start in any order. */
  readonly inference: () => ModelGatewayApi;
  readonly authenticator: Authenticator;
  readonly admission: Admission;
  readonly keys: KeyStore;
  readonly models: ModelCatalog;
  readonly stats: LiveStats;
  readonly live: LiveFigures;
  readonly traces: Traces;
}
