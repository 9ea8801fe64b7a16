import type { ModelInfo } from '@mcp/contracts';

/** A model as Anthropic's list has it. When a model came out is not known here, and the format says that as 1970. */
export function encodeAnthropicModel(model: ModelInfo): { readonly id: string } & Record<string, unknown> {
  return {
    type: 'model',
    id: model.id,
    display_name: model.id,
    created_at: '1970-01-01T00:00:00Z',
    max_input_tokens: model.max_context,
    max_tokens: null,
    capabilities: null,
  };
}
