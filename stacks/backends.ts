import type { Setting } from '@mcp/contracts';
import { BACKENDS, BackendName, RemoteBackendName } from '@mcp/model-backends/registry';
import type { DeploymentContext, Environment, Placed, SecretName } from './environment.ts';
import type { Stack } from './schema.ts';
import type { VariableRow } from './variables.ts';

/** What each backend reads, from its manifest: the model-gateway has all, the gateway those of servers elsewhere. */
export const backendVariables: readonly VariableRow[] = BackendName.options.flatMap((name) => {
  const { runs, settings } = BACKENDS[name].manifest;
  return Object.entries<Setting>(settings).map(([variable, { meaning, operator, secret, from }]) => ({
    name: variable,
    for: runs === 'elsewhere' ? 'remote' : (['model-gateway'] as const),
    meaning,
    ...(operator === undefined ? {} : { operator }),
    ...(secret === undefined ? {} : { secret: true }),
    ...givenBy({ secret, from }),
  }));
});

/** Where the value of a setting comes from, other than from the operator. */
function givenBy({ secret, from }: Pick<Setting, 'secret' | 'from'>): Pick<VariableRow, 'value'> {
  if (secret !== undefined) return { value: ({ at }: Environment) => at.secret(secret.key as SecretName) };
  if (from === 'derived.embedded_models') return { value: ({ stack, at }) => embeddedModels(stack, at) };
  if (from === undefined) return {};
  throw new Error(`${from} gives no setting of a backend. Use derived.embedded_models, or none.`);
}

function embeddedModels(stack: Stack, at: DeploymentContext): string | undefined {
  const rows = stack.models
    .filter((model) => model.backend === 'embedded')
    // They are loaded in this order: nobody waits for a large one to use a small one.
    .sort((a, b) => Number(a.background) - Number(b.background))
    .map((model) => ({
      id: model.id,
      kind: model.kind,
      path: at.asset(model.asset ?? model.id),
      max_context: model.max_context,
      ...(model.max_concurrency === undefined ? {} : { parallel: model.max_concurrency }),
    }));
  return rows.length === 0 ? undefined : JSON.stringify(rows);
}

/** Backends in use, in order of preference: the operator's choice, else those of the stack's models. */
export function backendsOf(stack: Stack, chosen?: string): readonly string[] {
  const named = (chosen ?? '').split(',').map((name) => name.trim());
  const wanted = named.filter((name) => name !== '');
  return wanted.length > 0 ? wanted : [...new Set(stack.models.map(({ backend }) => backend))];
}

/** Backends of servers elsewhere that a process asks, which must reach them. */
export function remoteBackends(stack: Stack, placement: Placed): RemoteBackendName[] {
  const here = [placement.service, ...placement.in_process];
  return here.includes('model-gateway') ? remoteOf(stack) : gatewayBackends(stack, placement);
}

/**
 * Backends of servers elsewhere that the gateway's process asks itself: the hop over the model-gateway costs more than
 * all the rest of a request. None where the model-gateway shares the process.
 */
export function gatewayBackends(stack: Stack, placement: Placed, chosen?: string): RemoteBackendName[] {
  const here = [placement.service, ...placement.in_process];
  if (!here.includes('gateway') || here.includes('model-gateway')) return [];
  return remoteOf(stack, chosen);
}

function remoteOf(stack: Stack, chosen?: string): RemoteBackendName[] {
  return RemoteBackendName.options.filter((name) => backendsOf(stack, chosen).includes(name));
}
