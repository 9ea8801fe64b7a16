import type { ModelGatewayApi } from '@mcp/contracts';
import type { Calibrations } from '@mcp/conversation';
import type { Guard } from '@mcp/safety/guard';
import type { Authenticator } from './auth/authenticator.ts';
import type { KeyStore } from './auth/keys.ts';
import type { GatewayKit } from './kit.ts';
import type { Admission } from './limits/admission.ts';
import type { LiveFigures } from './live/figures.ts';
import type { LiveStats } from './live/stats.ts';
import type { Traces } from './live/traces.ts';
import type { GraphCatalog, ModelCatalog } from './models.ts';
import type { Privacy } from './pipeline/privacy.ts';
import type { RiskRouter } from './pipeline/risk-router.ts';
import type { SentenceVectors } from './pipeline/sentence-vectors.ts';

/** What the routes work with. */
export interface Gateway {
  readonly kit: GatewayKit;
  /** Where models are asked; looked up for each call, for services may start in any order. */
  readonly inference: () => ModelGatewayApi;
  readonly authenticator: Authenticator;
  readonly admission: Admission;
  readonly keys: KeyStore;
  readonly models: ModelCatalog;
  readonly graphs: GraphCatalog;
  readonly stats: LiveStats;
  readonly live: LiveFigures;
  readonly traces: Traces;
  /** The safety policy. */
  readonly guard: Guard;
  /** What becomes of personal data. */
  readonly privacy: Privacy;
  /** Undefined: results of tools are read without embeddings. */
  readonly vectors: SentenceVectors | undefined;
  /** What models take for what is counted. */
  readonly calibrations: Calibrations;
  /** Undefined: requests are not routed by risk. */
  readonly risk: RiskRouter | undefined;
}
