/** What each backend makes of what a completion may ask for; the table in docs/wire-features.md and a test follow it. */
import type { BackendManifest, Feature, FeatureRow } from '@mcp/contracts';

export type Features = BackendManifest['features'];

export function supportOf(features: Features, feature: Feature): FeatureRow {
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

/** What each backend of ours does by itself: how an answer comes, how many there are, where they end. */
export const BASICS = {
  stream: 'yes',
  stream_options: 'yes',
  n: 'yes',
  stop: 'yes',
  max_tokens: 'yes',
  max_completion_tokens: 'yes',
} as const satisfies Partial<Features>;

/** What a backend whose model draws its tokens makes use of. */
export const SAMPLING = {
  temperature: 'yes',
  top_p: 'yes',
  top_k: 'yes',
  min_p: 'yes',
  seed: 'yes',
  presence_penalty: 'yes',
  frequency_penalty: 'yes',
} as const satisfies Partial<Features>;

/** What the APIs of providers other than OpenAI have no word for. */
export const ONLY_OPENAI = {
  min_p: 'no effect',
  seed: 'no effect',
  presence_penalty: 'no effect',
  frequency_penalty: 'no effect',
  logit_bias: 'no effect',
  logprobs: 'refused',
  top_logprobs: { support: 'no effect', note: 'belongs to `logprobs`' },
} as const satisfies Partial<Features>;
