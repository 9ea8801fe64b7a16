/** Every metric, joined from the manifests that record it. */
import type { MetricTable } from '@mcp/contracts';
import { commonMetrics } from '@mcp/service-kit/manifest';
import { joinRows } from './join.ts';
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
  const parts = manifests.map(({ name: by, metrics: rows }) => ({ by, rows }));
  return joinRows(
    'The table of metrics',
    parts,
    (name, one, other) =>
      `${name} is not the same in ${one} and in ${other}: share one row (a package's manifest.ts), or give one of them another name`,
  );
}

export const METRICS = joinMetrics([
  { name: 'every service', metrics: commonMetrics },
  ...Object.values(services),
]) as Metrics & MetricTable;
