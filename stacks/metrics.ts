/** Every metric, joined from the manifests that record it. */
import { DefinitionError, type MetricTable } from '@mcp/contracts';
import { commonMetrics } from '@mcp/service-kit/manifest';
import { services } from './services.ts';

type Union<T> = (T extends unknown ? (one: T) => void : never) extends (all: infer A) => void ? A : never;
type Declared = typeof commonMetrics & Union<(typeof services)[keyof typeof services]['metrics']>;
/** The table with its exact types, so that an expression on a metric that is no more does not compile. */
export type Metrics = { readonly [N in keyof Declared]: Declared[N] };
export type MetricName = keyof Metrics & string;

/** Throws a DefinitionError for a metric of which two manifests say different things. */
export function joinMetrics(
  manifests: readonly { readonly name: string; readonly metrics: MetricTable }[],
): MetricTable {
  const found = new Map<string, { readonly by: string; readonly row: MetricTable[string] }>();
  const faults: string[] = [];
  for (const { name: by, metrics } of manifests)
    for (const [name, row] of Object.entries(metrics)) {
      const known = found.get(name) ?? { by, row };
      found.set(name, known);
      if (JSON.stringify(known.row) !== JSON.stringify(row))
        faults.push(
          `${name} is not the same in ${known.by} and in ${by}: share one row (a package's manifest.ts), or give one of them another name`,
        );
    }
  if (faults.length > 0) throw new DefinitionError('The table of metrics', faults);
  return Object.fromEntries([...found].map(([name, { row }]) => [name, row]));
}

export const METRICS = joinMetrics([
  { name: 'every service', metrics: commonMetrics },
  ...Object.values(services),
]) as Metrics & MetricTable;
