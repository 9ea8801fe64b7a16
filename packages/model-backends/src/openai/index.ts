import type { ConfigOf, ModelBackend, ModelFacts, Residency } from '@mcp/contracts';
import { priced } from '../facts.ts';
import { inCompletionTokens } from '../openai-wire/reasoning.ts';
import { openAiServer } from '../openai-wire/server.ts';
import { type manifest, TargetConfig } from './manifest.ts';
import { OPENAI_MODELS } from './models.ts';

/** One backend for each server: the targets, then the one that OPENAI_BASE_URL and OPENAI_API_KEY name. */
export function create(env: ConfigOf<typeof manifest.settings>): readonly ModelBackend[] {
  const targets = [...(env.OPENAI_TARGETS ?? [])];
  if (env.OPENAI_BASE_URL !== undefined || env.OPENAI_API_KEY !== undefined)
    targets.push({
      ...TargetConfig.parse({
        name: 'openai',
        base_url: env.OPENAI_BASE_URL ?? 'https://api.openai.com/v1',
      }),
      api_key: env.OPENAI_API_KEY,
    });
  return targets.map((target) => openAiServer({ backend: 'openai', ...target, ...particularsOf(target) }));
}

/** What holds at OpenAI's own hosts, and what the operator says of a server's models. */
function particularsOf({ base_url, prices, energy_j_per_token, capabilities, residency }: TargetConfig) {
  const { hostname } = new URL(base_url);
  const official = hostname === 'api.openai.com' || hostname.endsWith('.api.openai.com');
  const facts = (id: string): ModelFacts => {
    const price = Object.hasOwn(prices, id) ? prices[id] : undefined;
    return {
      ...(price === undefined ? {} : priced(price.input, price.output, price.cached)),
      ...(capabilities === undefined ? {} : { capabilities }),
      ...(energy_j_per_token === undefined
        ? {}
        : { energy: { j_per_token: energy_j_per_token, source: 'declared' as const } }),
    };
  };
  if (!official) return { facts, residency };
  return {
    facts,
    residency: residency ?? residencyOf(hostname),
    published: OPENAI_MODELS,
    dialect: {
      body: (request: Parameters<typeof inCompletionTokens>[0]) => inCompletionTokens(request, request.model),
    },
  };
}

/** Projects that OpenAI processes in one region have hosts of their own: `eu.api.openai.com`. */
function residencyOf(hostname: string): Residency {
  const [region] = hostname.split('.');
  return region === 'eu' || region === 'us' ? region : 'any';
}
