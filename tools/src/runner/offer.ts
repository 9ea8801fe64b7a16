import type { Stack, StackModel } from '@mcp/stacks';
import type { Ui } from '../ui.ts';
import type { PlatformOptions } from './platform.ts';
import type { Ports } from './prepare.ts';
import { describeSource, type FoundSource, findSources } from './sources.ts';
import { type AssetSource, fetchWeights, noModels, type Weights } from './weights.ts';

/** What this start has to offer: the stack with the models that can be had, and what was found beside them. */
export interface Offer {
  readonly stack: Stack;
  readonly found: readonly FoundSource[];
  readonly missing: Weights['missing'];
  /** Variables that follow from what was found. */
  readonly operator: Readonly<Record<string, string>>;
  /** OPENAI_TARGETS, keys included. */
  readonly openai_targets: string | undefined;
}

/** Finds model servers and keys, fetches weights, and fails when no chat model is available at all. */
export async function offerModels(
  options: PlatformOptions,
  context: { ui: Ui; assets: AssetSource; env: NodeJS.ProcessEnv; signal: AbortSignal; ports: Ports },
): Promise<Offer> {
  const { stack } = options;
  if (options.scripted) return { stack, found: [], missing: [], operator: {}, openai_targets: undefined };
  const own = new Set([
    ...Object.values(context.ports.services),
    ...Object.values(context.ports.dependencies).flatMap((ports) => Object.values(ports)),
  ]);
  const found = await findSources(context.env, { own_ports: own, offline: options.offline });
  for (const source of found) context.ui.say(`  found ${describeSource(source)}`);
  const others = found.length > 0 || namedBackends(context.env).length > 0;
  const weights = await fetchWeights(stack.models, { ...context, need_chat: !others });
  for (const { id, reason } of weights.missing)
    context.ui.warn(`${id} is left out: ${reason.replaceAll('\n', '; ')}`);
  if (!others && !weights.here.some((model) => model.kind === 'chat')) throw noModels(weights.missing);
  const models = stack.models.filter((model) => !weights.missing.some(({ id }) => id === model.id));
  return {
    stack: { ...stack, models },
    found,
    missing: weights.missing,
    ...foundVariables(found, models, context.env),
  };
}

/** How the model-gateway learns of what was found, and of what the user's own variables name. */
export function foundVariables(
  found: readonly FoundSource[],
  models: readonly StackModel[],
  env: NodeJS.ProcessEnv,
): Pick<Offer, 'operator' | 'openai_targets'> {
  const ollama = found.find((source) => source.backend === 'ollama');
  // OPENAI_API_KEY needs no target: the backend reads it, with OPENAI_BASE_URL, by itself.
  const targets = found
    .filter((source) => source.backend === 'openai' && source.key_variable !== 'OPENAI_API_KEY')
    .map((source) => ({
      name: source.name.toLowerCase().replaceAll(/[^a-z0-9]+/g, '-'),
      base_url: source.base_url,
      ...(source.key_variable === undefined ? {} : { api_key: env[source.key_variable] ?? '' }),
    }));
  const backends = new Set<string>(models.map((model) => model.backend));
  for (const source of found) backends.add(source.backend);
  for (const backend of namedBackends(env)) backends.add(backend);
  return {
    operator: {
      ...(env.MODEL_BACKENDS ? {} : { MODEL_BACKENDS: [...backends].join(',') }),
      ...(ollama === undefined || env.OLLAMA_URL ? {} : { OLLAMA_URL: ollama.base_url }),
    },
    openai_targets: env.OPENAI_TARGETS || targets.length === 0 ? undefined : JSON.stringify(targets),
  };
}

/** Backends that the user's own variables point at. */
function namedBackends(env: NodeJS.ProcessEnv): ('ollama' | 'openai')[] {
  return [
    ...(env.OLLAMA_URL ? (['ollama'] as const) : []),
    ...(env.OPENAI_BASE_URL || env.OPENAI_TARGETS ? (['openai'] as const) : []),
  ];
}
