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

function each<const F extends Feature, const S extends FeatureRow['support']>(support: S, ...features: F[]) {
  return Object.fromEntries(features.map((feature) => [feature, support])) as Readonly<Record<F, S>>;
}

/** Labels and hints that mean something to a server elsewhere alone. */
export const HINTS = each(
  'no effect',
  'metadata',
  'prompt_cache_key',
  'reasoning_effort',
  'safety_identifier',
  'service_tier',
  'user',
  'verbosity',
);

/** What each backend of ours does by itself: how an answer comes, how many there are, where they end. */
export const BASICS = each(
  'yes',
  'stream',
  'stream_options',
  'n',
  'stop',
  'max_tokens',
  'max_completion_tokens',
);

/** What a backend whose model draws its tokens makes use of. */
export const SAMPLING = each(
  'yes',
  'temperature',
  'top_p',
  'top_k',
  'min_p',
  'seed',
  'presence_penalty',
  'frequency_penalty',
);

/** What the APIs of Anthropic's models share, its own and that of Bedrock. */
export const MESSAGES = {
  n: { support: 'refused', note: 'more than one' },
  temperature: { support: 'passed on', note: 'above 1 as 1' },
  top_p: 'passed on',
  tools: 'yes',
  tool_choice: 'yes',
  response_format: { support: 'yes', note: 'by a schema; `json_object` is refused' },
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
