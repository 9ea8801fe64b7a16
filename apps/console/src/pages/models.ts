import type { ModelInfo } from '@mcp/contracts';

/** Models a person may choose for a side: chat models, without the aliases that hold a conversation themselves. */
export function chatModels(models: readonly ModelInfo[]): readonly ModelInfo[] {
  return models.filter((model) => model.kind === 'chat' && !model.id.startsWith('mcp/'));
}

/**
 * The models to show, one for each wish. A wish counts while its model is ready; otherwise a ready model that nobody has
 * stands in, and where there is none, the ready ones in turn – so a model that arrives late joins without anyone
 * choosing it.
 */
export function modelChoice(models: readonly ModelInfo[], wishes: readonly string[]): readonly string[] {
  const ready = models.filter((model) => model.status === 'ready').map((model) => model.id);
  const free = ready.filter((id) => !wishes.includes(id));
  return wishes.map((wish, at) =>
    ready.includes(wish) ? wish : (free.shift() ?? ready[at % ready.length] ?? ''),
  );
}
