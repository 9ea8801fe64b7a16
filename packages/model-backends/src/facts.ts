/** What is known of a model: from what its provider published, and from what its server says. */
import type { Capability, ModelFacts, PublishedFacts } from '@mcp/contracts';

/** A model that a server lists. */
export type ListedModel = ModelFacts & { readonly id: string };

/** Prices in US dollars per million tokens: of input, of output, of input from the provider's cache. */
export function priced(input: number, output: number, cached?: number): ModelFacts {
  return {
    cost_input_per_mtok_usd: input,
    cost_output_per_mtok_usd: output,
    ...(cached === undefined ? {} : { cost_cached_input_per_mtok_usd: cached }),
  };
}

/** The published facts of a model, or of the model of which it is a dated snapshot (`gpt-4o-mini-2024-07-18`). */
export function publishedOf({ models }: PublishedFacts, id: string): ModelFacts {
  const base = id.replace(/-(\d{4}-\d{2}-\d{2}|\d{8})$/, '');
  for (const name of [id, base]) if (Object.hasOwn(models, name)) return models[name] ?? {};
  return {};
}

/** The capabilities of which a server says that a model has them. */
export function capabilitiesOf(says: Readonly<Partial<Record<Capability, boolean>>>): Capability[] {
  return (Object.keys(says) as Capability[]).filter((name) => says[name] === true);
}
