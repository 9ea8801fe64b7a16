import type { ServiceManifest } from '@mcp/contracts';
import { type Stack, services, servicesOf, stacks } from '@mcp/stacks';
import { CliError, EXIT } from './errors.ts';
import { paint, table } from './ui.ts';

/** A stack by its name. Throws a CliError that lists those there are. */
export function findStack(name: string): Stack {
  const stack = stacks[name];
  if (stack !== undefined) return stack;
  throw new CliError(
    `There is no stack ${name}. Those there are: ${Object.keys(stacks).join(', ')}.`,
    EXIT.usage,
  );
}

/** What a stack means: with every manifest resolved, as data. */
export function stackMeaning(stack: Stack): object {
  return {
    ...stack,
    services: stack.services.map((placement) => ({
      ...placement,
      processes: servicesOf(placement).map((name) => services[name]),
    })),
  };
}

/** What a stack means, as lines for a person. */
export function stackLines(stack: Stack): string[] {
  const { limits } = stack;
  return [
    paint('bold', `Stack ${stack.name}`),
    '',
    ...table(
      ['service', 'port', 'calls', 'needs', 'cpu', 'memory', 'scaling', 'SLO p95', 'errors'],
      stack.services.flatMap((placement) =>
        servicesOf(placement).map((name) => serviceCells(services[name], placement.replicas)),
      ),
    ),
    '',
    ...table(
      ['region', 'residency', 'kube context', 'namespace', 'fails over to', 'priority'],
      stack.regions.map((region) => [
        region.name,
        region.residency,
        region.kube_context,
        region.namespace,
        region.peers.join(', ') || '-',
        String(region.priority),
      ]),
    ),
    '',
    ...table(
      ['model', 'kind', 'backend', 'context', 'in $/Mtok', 'out $/Mtok', 'at start'],
      stack.models.map((model) => [
        model.id,
        model.kind,
        model.backend,
        String(model.max_context),
        price(model.cost_input_per_mtok_usd),
        price(model.cost_output_per_mtok_usd),
        model.background ? 'follows' : 'waited for',
      ]),
    ),
    '',
    ...table(
      ['limit', 'value'],
      Object.entries(limits).map(([name, value]) => [name, String(value)]),
    ),
    '',
    ...features(stack),
    `Log level: ${stack.log_level}.`,
  ];
}

/** How a service grows, in a few words. */
export function scalingText(scaling: ServiceManifest['scaling']): string {
  switch (scaling.on) {
    case 'cpu':
      return `${scaling.min} to ${scaling.max} at ${scaling.target_percent} % cpu`;
    case 'queue':
      return `${scaling.min} to ${scaling.max} at ${scaling.target_messages} messages`;
    case 'fixed':
      return `${scaling.replicas} always`;
    default:
      return scaling satisfies never;
  }
}

function serviceCells(manifest: ServiceManifest, replicas: number | undefined): string[] {
  return [
    manifest.name,
    String(manifest.port),
    manifest.calls.join(', ') || '-',
    manifest.needs.join(', ') || '-',
    `${manifest.size.cpu_request} to ${manifest.size.cpu_limit}`,
    `${manifest.size.memory_request} to ${manifest.size.memory_limit}`,
    replicas === undefined
      ? scalingText(manifest.scaling)
      : `${scalingText(manifest.scaling)}, starts with ${replicas}`,
    `${manifest.slo.p95_ms} ms`,
    `${manifest.slo.error_ratio * 100} %`,
  ];
}

function features(stack: Stack): string[] {
  const rows = Object.entries(stack.features).map(([name, on]) => [name, on ? 'on' : 'off']);
  return rows.length === 0
    ? ['Features: all as by default (npx mcp flags).']
    : [...table(['feature', 'value'], rows), ''];
}

function price(usd: number | null): string {
  return usd === null ? 'unknown' : usd === 0 ? 'free' : String(usd);
}
