import { dependencies } from '@mcp/dependencies';
import { runHere, type Stack } from '@mcp/stacks';

/** What an operator must know of the collectors of a stack: nothing where traces are exported, or there are none. */
export function collectorWarning(stack: Stack): string | undefined {
  const { name, kubernetes } = stack;
  if (runHere(stack, 'collector') === undefined || kubernetes.egress.otlp.length > 0) return undefined;
  const [secret] = dependencies.collector.manifest.secrets;
  return `The collectors of ${name} export no traces: egress.otlp of the stack is empty, so they sample them, count them and let them go (npx mcp trace shows each for a week). Name the addresses of your OTLP server in stacks/${name}.ts and make the Secret ${secret?.object} (docs/telemetry.md), or take the collector out of dependencies.`;
}
