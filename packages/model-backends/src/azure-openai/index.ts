import type { ConfigOf, ModelBackend } from '@mcp/contracts';
import { publishedOf } from '../facts.ts';
import { OPENAI_MODELS } from '../openai/models.ts';
import { inCompletionTokens } from '../openai-wire/reasoning.ts';
import { openAiServer } from '../openai-wire/server.ts';
import type { manifest } from './manifest.ts';

/** A model's id is the name of its deployment. A key cannot list these, so that they are named. */
export function create(env: ConfigOf<typeof manifest.settings>): readonly ModelBackend[] {
  const { AZURE_OPENAI_ENDPOINT: endpoint, AZURE_OPENAI_API_KEY: api_key } = env;
  const deployments = env.AZURE_OPENAI_DEPLOYMENTS;
  if (endpoint === undefined || deployments === undefined)
    throw new Error(
      'MODEL_BACKENDS names azure-openai: set AZURE_OPENAI_ENDPOINT and AZURE_OPENAI_DEPLOYMENTS, such as {"my-gpt":"gpt-4o-mini"}, or take azure-openai out.',
    );
  const version = env.AZURE_OPENAI_API_VERSION;
  const modelOf = (id: string) => (Object.hasOwn(deployments, id) ? (deployments[id] ?? id) : id);
  return [
    openAiServer({
      backend: 'azure-openai',
      name: 'azure-openai',
      base_url: `${endpoint.replace(/\/$/, '')}/openai`,
      api_key,
      key_header: 'api-key',
      models: Object.keys(deployments),
      residency: env.AZURE_OPENAI_RESIDENCY,
      facts: (id) => factsOf(modelOf(id)),
      dialect: {
        path: (call, model) =>
          version === 'v1'
            ? `/v1/${call}`
            : `/deployments/${encodeURIComponent(model)}/${call}?api-version=${version}`,
        body: (request) => inCompletionTokens(request, modelOf(request.model)),
      },
    }),
  ];
}

/** Prices are those of Azure, which depend on region and kind of deployment: they are not known here. */
function factsOf(model: string) {
  return {
    ...publishedOf(OPENAI_MODELS, model),
    kind: /embed/i.test(model) ? ('embedding' as const) : ('chat' as const),
    cost_input_per_mtok_usd: null,
    cost_output_per_mtok_usd: null,
    cost_cached_input_per_mtok_usd: null,
  };
}
