import { RemoteBackendName } from '@mcp/model-backends/registry';
import type { Placed } from './placement.ts';
import type { Stack } from './schema.ts';

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
