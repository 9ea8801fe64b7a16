/** What each backend makes of what a completion may ask for; the table in docs/wire-features.md and a test follow it. */
import type { Feature } from '@mcp/contracts';

/**
 * `yes`: it does it. `passed on`: the server behind decides. `no effect`: it is taken and changes nothing, and the
 * caller is told. `refused`: with `unsupported_parameter`.
 */
export type Support = 'yes' | 'passed on' | 'no effect' | 'refused';

interface Row {
  readonly support: Support;
  /** What a reader of the table has to know beside it. */
  readonly note?: string;
}

export type Features = Readonly<Record<Feature, Support | Row>>;

export function supportOf(features: Features, feature: Feature): Row {
  const row = features[feature];
  return typeof row === 'string' ? { support: row } : row;
}

/** The fields that a backend makes no use of, of which the caller is told. */
export function ignoredBy(features: Features): readonly Exclude<Feature, 'pictures'>[] {
  const names = Object.keys(features) as Feature[];
  return names.filter(
    (name): name is Exclude<Feature, 'pictures'> =>
      name !== 'pictures' && supportOf(features, name).support === 'no effect',
  );
}

/** Labels and hints that mean something to a server elsewhere alone. */
export const HINTS = {
  metadata: 'no effect',
  prompt_cache_key: 'no effect',
  reasoning_effort: 'no effect',
  safety_identifier: 'no effect',
  service_tier: 'no effect',
  user: 'no effect',
  verbosity: 'no effect',
} as const satisfies Partial<Features>;
