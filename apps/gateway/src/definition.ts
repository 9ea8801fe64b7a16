import type { ModelGatewayApi } from '@mcp/contracts';
import { Calibrations } from '@mcp/conversation';
import { createBackends } from '@mcp/model-backends';
import { createModelGateway, nearby } from '@mcp/model-serving';
import { guardOf } from '@mcp/safety/guard';
import { defineService } from '@mcp/service-kit';
import { manifest } from '../manifest.ts';
import { createApp } from './app.ts';
import { Authenticator } from './auth/authenticator.ts';
import { KeyStore } from './auth/keys.ts';
import { answerRights } from './auth/rights.ts';
import { TokenVerifier } from './auth/tokens.ts';
import type { GatewayKit } from './kit.ts';
import { Admission } from './limits/admission.ts';
import { LiveFigures } from './live/figures.ts';
import { LiveStats } from './live/stats.ts';
import { Traces } from './live/traces.ts';
import { GraphCatalog, ModelCatalog } from './models.ts';
import { Privacy } from './pipeline/privacy.ts';
import type { RiskRouter } from './pipeline/risk-router.ts';
import { SentenceVectors } from './pipeline/sentence-vectors.ts';

/** The gateway has no callers among the services, so its API is empty. */
export const definition = defineService({
  manifest,
  async create(kit) {
    const { config } = kit;
    const keys = new KeyStore({
      bus: () => kit.bus(),
      log: kit.log,
      peers: config.MCP_REGIONS.filter(({ fails_over_here }) => fails_over_here).map(({ name }) => name),
    });
    const { MCP_OIDC_ISSUER: issuer, MCP_OIDC_AUDIENCE: audience } = config;
    const tokens =
      issuer === undefined || audience === undefined
        ? undefined
        : new TokenVerifier({
            issuer,
            audience,
            jwks_url: config.MCP_JWKS_URL,
            scope_prefix: config.MCP_OIDC_SCOPE_PREFIX,
          });
    const traces = new Traces(kit);
    const backends = await createBackends(config.MCP_REMOTE_BACKENDS, config);
    const here = backends.length === 0 ? undefined : createModelGateway({ kit, backends, settings: config });
    const inference = inferenceOf(kit, here);
    const stats = new LiveStats();
    const live = new LiveFigures({ bus: kit.bus, stats, inference, here });
    const authenticator = new Authenticator({ keys, tokens, admin_key_hash: config.MCP_ADMIN_KEY_HASH });
    const stopRights = answerRights({ bus: () => kit.bus(), authenticator, log: kit.log });
    const models = new ModelCatalog(inference);
    const risk = await riskRouterOf(kit);
    const app = createApp({
      kit,
      inference,
      keys,
      authenticator,
      admission: new Admission({
        requests_per_minute: config.MCP_RATE_REQUESTS_PER_MINUTE,
        max_parallel_requests: config.MCP_MAX_PARALLEL_REQUESTS,
      }),
      models,
      graphs: new GraphCatalog(() => kit.clients.core),
      stats,
      live,
      traces,
      guard: guardOf(config, (err) => kit.log.warn({ err }, 'the moderation did not answer')),
      vectors: config.MCP_SAFETY_EMBEDDINGS === 'on' ? new SentenceVectors({ kit, inference }) : undefined,
      calibrations: new Calibrations(),
      risk,
      privacy: new Privacy({
        kit,
        models,
        policy: config.MCP_PII,
        aliases: config.MODEL_ALIASES,
        fallbacks: config.MODEL_FALLBACKS,
        any_model: risk !== undefined,
      }),
    });
    const close = async () => {
      stopRights();
      keys.close();
      traces.close();
      live.close();
      await Promise.all(backends.map((backend) => backend.close()));
    };
    return { app, api: {}, close };
  },
});

/** Loaded where it is used: it knows the telephone numbers of all countries. */
async function riskRouterOf(kit: GatewayKit): Promise<RiskRouter | undefined> {
  if (!kit.flags.enabled('RISK_ROUTING_ENABLED')) return undefined;
  const { RiskRouter } = await import('./pipeline/risk-router.ts');
  const { MCP_RISK_THRESHOLDS: thresholds, MCP_RISK_BASELINE_MODEL: baseline } = kit.config;
  return new RiskRouter({ kit, thresholds, baseline });
}

/** Models of servers elsewhere are asked from here, all others through the model-gateway. */
function inferenceOf(kit: GatewayKit, here: ModelGatewayApi | undefined): () => ModelGatewayApi {
  const apart = () => kit.clients.modelGateway;
  if (here === undefined) return apart;
  const both = nearby({
    here,
    apart,
    fallbacks: kit.config.MODEL_FALLBACKS,
    aliases: kit.config.MODEL_ALIASES,
    log: kit.log,
  });
  return () => both;
}
