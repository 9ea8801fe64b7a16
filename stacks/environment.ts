import { type ServiceName, serviceVariable } from '@mcp/contracts';
import type { DeploymentContext, Environment } from './context.ts';
import { derived } from './derived.ts';
import { isFlag } from './flags.ts';
import { type Placed, servicesOf } from './placement.ts';
import type { Stack } from './schema.ts';
import { services } from './services.ts';
import { VARIABLES, type VariableRow } from './variables.ts';

/**
 * The environment of one process or pod: THE place where a stack becomes what a service reads.
 * Pure. A variable goes only to the services that need it; a service never sees a secret it has no use for.
 * Throws when the deployment context lacks an endpoint that a placed service calls.
 */
export function serviceEnvironment(
  stack: Stack,
  placement: Placed,
  at: DeploymentContext,
): Record<string, string> {
  const scope: Environment = { stack, placement, at };
  const here = servicesOf(placement);
  const out: Record<string, string> = {};
  for (const row of VARIABLES) {
    const value = applies(row, scope) ? valueIn(row, scope) : undefined;
    if (value !== undefined) out[row.name] = value;
  }
  for (const [name, value] of [...portRows(scope, here), ...urlRows(scope, here), ...flagRows(scope)])
    out[name] = value;
  return out;
}

/** Whether a service of the process has a use for a variable. */
function applies({ uses }: VariableRow, scope: Environment): boolean {
  const here = servicesOf(scope.placement);
  return uses.some(({ service, only_with }) => {
    if (!here.includes(service)) return false;
    const other = VARIABLES.find(({ name }) => name === only_with);
    return other === undefined || valueIn(other, scope) !== undefined;
  });
}

/** What a variable is set to; undefined: the service's own default holds. */
function valueIn(row: VariableRow, scope: Environment): string | undefined {
  const { stack, at } = scope;
  const operator = row.operator === true ? present(at.operator?.[row.name]) : undefined;
  if (operator !== undefined) return operator;
  if (row.secret_name !== undefined) return present(at.secret(row.secret_name));
  if (row.from === undefined) return undefined;
  const [root = '', ...path] = row.from.split('.');
  const value: unknown = path.reduce<unknown>(
    (of, key) => (of as Readonly<Record<string, unknown>> | undefined)?.[key],
    { stack, at, derived }[root],
  );
  const found: unknown = typeof value === 'function' ? value(scope) : value;
  return found === undefined ? undefined : present(String(found));
}

function portRows(scope: Environment, here: readonly ServiceName[]): [string, string][] {
  return here.flatMap((name) => {
    const port = scope.at.ports?.[name];
    return port === undefined || port === services[name].port
      ? []
      : [[serviceVariable(name, 'PORT'), String(port)] as [string, string]];
  });
}

function urlRows(scope: Environment, here: readonly ServiceName[]): [string, string][] {
  const called = new Set(here.flatMap((name) => services[name].calls).filter((name) => !here.includes(name)));
  return [...called].map((name) => {
    const url = scope.at.endpoints[name];
    if (url === undefined)
      throw new Error(
        `${here.join(', ')} calls ${name}, which has no endpoint in the stack ${scope.stack.name}. Place ${name}, or give its URL.`,
      );
    return [serviceVariable(name, 'URL'), url];
  });
}

/** Flags are read by every service; the operator's value wins over the stack's. */
function flagRows(scope: Environment): [string, string][] {
  const operator = Object.entries(scope.at.operator ?? {}).filter(
    (entry): entry is [string, string] => isFlag(entry[0]) && present(entry[1]) !== undefined,
  );
  const stack = Object.entries(scope.stack.features).map(
    ([name, on]) => [name, String(on)] as [string, string],
  );
  return [...stack, ...operator];
}

function present(value: string | undefined): string | undefined {
  return value === undefined || value === '' ? undefined : value;
}
