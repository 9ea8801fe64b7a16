import type { z } from 'zod';
import type { StackModel } from './schema.ts';

type Row = z.input<typeof StackModel>;

/** Models that run in process from weights that anyone may fetch; they cost nothing but electricity. */
const free = { cost_input_per_mtok_usd: 0, cost_output_per_mtok_usd: 0 } as const;

export const smollm2: Row = {
  id: 'smollm2-135m-instruct',
  kind: 'chat',
  backend: 'embedded',
  asset: 'smollm2-135m-instruct',
  max_context: 4096,
  ...free,
};
export const qwenCoder: Row = {
  id: 'qwen2.5-coder-1.5b-instruct',
  kind: 'chat',
  backend: 'embedded',
  asset: 'qwen2.5-coder-1.5b-instruct',
  max_context: 8192,
  background: true,
  ...free,
};
export const minilm: Row = {
  id: 'all-minilm-l6-v2',
  kind: 'embedding',
  backend: 'embedded',
  asset: 'all-minilm-l6-v2',
  max_context: 512,
  ...free,
};
