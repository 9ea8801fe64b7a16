/** What an alias is to those who list models: as ready, wide and able as the models that it may lead to. */
import { ALIAS_BACKEND, type Capability, type ModelAlias, type ModelInfo } from '@mcp/contracts';

/** An alias as an entry of the model list, made from those of its candidates that are known. */
export function aliasInfo(id: string, { residency }: ModelAlias, known: readonly ModelInfo[]): ModelInfo {
  const chat = known.filter(({ kind }) => kind === 'chat');
  const ready = chat.filter(({ status }) => status === 'ready');
  const those = ready.length > 0 ? ready : chat;
  const capabilities = those.flatMap((info) => info.capabilities ?? []);
  const [place, ...others] = residency ?? [];
  return {
    id,
    backend: ALIAS_BACKEND,
    kind: 'chat',
    owned_by: 'mcp',
    max_context: Math.max(1, ...those.map(({ max_context }) => max_context)),
    cost_input_per_mtok_usd: same(those.map((info) => info.cost_input_per_mtok_usd)),
    cost_output_per_mtok_usd: same(those.map((info) => info.cost_output_per_mtok_usd)),
    ...(capabilities.length === 0 ? {} : { capabilities: [...new Set<Capability>(capabilities)] }),
    ...(place === undefined || others.length > 0 ? {} : { residency: place }),
    ...(ready.length > 0
      ? { status: 'ready' }
      : { status: 'unavailable', detail: 'none of its models is ready' }),
  };
}

/** The price where all have one and the same. */
function same(prices: readonly (number | null)[]): number | null {
  const [first = null, ...others] = prices;
  return others.every((price) => price === first) ? first : null;
}
