import type { ModelInfo } from '@mcp/contracts';

/** Models a person may choose for a side: chat models, without the aliases that hold a conversation themselves. */
export function chatModels(models: readonly ModelInfo[]): readonly ModelInfo[] {
  return models.filter((model) => model.kind === 'chat' && !model.id.startsWith('mcp/'));
}

/**
 * The pair to show. A wish counts while its model is ready; otherwise the first ready models stand in, two different
 * ones where there are two – so a model that arrives late joins without anyone choosing it.
 */
export function modelChoice(
  models: readonly ModelInfo[],
  wish: { readonly modelA: string; readonly modelB: string },
): { readonly modelA: string; readonly modelB: string } {
  const ready = models.filter((model) => model.status === 'ready').map((model) => model.id);
  const modelA = ready.includes(wish.modelA)
    ? wish.modelA
    : (ready.find((id) => id !== wish.modelB) ?? ready[0] ?? '');
  const modelB = ready.includes(wish.modelB) ? wish.modelB : (ready.find((id) => id !== modelA) ?? modelA);
  return { modelA, modelB };
}
