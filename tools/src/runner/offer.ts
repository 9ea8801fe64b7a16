import type { Settings } from '@mcp/contracts';
import { BACKENDS, type BackendName } from '@mcp/model-backends/registry';
import type { Stack, StackModel } from '@mcp/stacks';
import type { Ui } from '../ui.ts';
import type { PlatformOptions } from './platform-options.ts';
import type { Ports } from './prepare.ts';
import { DISCOVERABLE, describeSource, type FoundSource, findSources } from './sources.ts';
import { type AssetSource, fetchWeights, noModels, type Weights } from './weights.ts';

/** What this start has to offer: the stack with the models that can be had, and what was found beside them. */
export interface Offer {
  readonly stack: Stack;
  readonly found: readonly FoundSource[];
  readonly missing: Weights['missing'];
  /** Variables that follow from what was found. */
  readonly operator: Readonly<Record<string, string>>;
}

/** Finds model servers and keys, fetches weights, and fails when no chat model is available at all. */
export async function offerModels(
  options: PlatformOptions,
  context: { ui: Ui; assets: AssetSource; env: NodeJS.ProcessEnv; signal: AbortSignal; ports: Ports },
): Promise<Offer> {
  const { stack } = options;
  if (options.scripted) return { stack, found: [], missing: [], operator: {} };
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
    operator: foundVariables(found, models, context.env),
  };
}

/** How the model-gateway learns of what was found, and of what the user's own variables name. */
export function foundVariables(
  found: readonly FoundSource[],
  models: readonly StackModel[],
  env: NodeJS.ProcessEnv,
): Offer['operator'] {
  const operator: Record<string, string> = {};
  for (const { backend, discovery } of DISCOVERABLE) {
    const { gives } = discovery;
    const settings: Settings = BACKENDS[backend].manifest.settings;
    // An account whose key is a setting needs nothing handed over: the backend reads it by itself.
    const sources = found.filter(
      (source) => source.backend === backend && !Object.hasOwn(settings, source.key_variable ?? ''),
    );
    if (sources.length === 0 || env[gives.variable]) continue;
    const urls = sources.map(({ base_url }) => base_url);
    operator[gives.variable] = gives.as === 'url' ? (urls[0] ?? '') : urls.join(',');
  }
  const backends = new Set<string>(models.map((model) => model.backend));
  for (const source of found) backends.add(source.backend);
  for (const backend of namedBackends(env)) backends.add(backend);
  return { ...(env.MODEL_BACKENDS ? {} : { MODEL_BACKENDS: [...backends].join(',') }), ...operator };
}

/** Backends that the user's own variables point at. */
function namedBackends(env: NodeJS.ProcessEnv): BackendName[] {
  return DISCOVERABLE.filter(({ discovery }) => discovery.named_by.some((variable) => env[variable])).map(
    ({ backend }) => backend,
  );
}
