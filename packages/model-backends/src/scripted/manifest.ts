import { defineBackend, ERROR_CODES, type ErrorCode, jsonText } from '@mcp/contracts';
import { z } from 'zod';
import { features } from './features.ts';

/** How a model answers. */
export const Rule = z.strictObject({
  /** Applies when the last user message contains this; a rule without it always applies. */
  match: z.string().optional(),
  /** How many requests it applies to; later ones get the next rule that applies. Without it, all. */
  times: z.number().int().min(1).optional(),
  /** What it says; `{last}` is the last user message. */
  reply: z.string().max(200_000).default('You said: {last}'),
  reasoning: z.string().optional(),
  tool_call: z.strictObject({ name: z.string(), arguments: z.string() }).optional(),
  token_delay_ms: z.number().min(0).max(60_000).default(0),
  first_token_delay_ms: z.number().min(0).max(60_000).default(0),
  /** Throws this error instead of an answer, or after `fail_after_tokens` tokens of it. */
  error: z.enum(Object.keys(ERROR_CODES) as [ErrorCode, ...ErrorCode[]]).optional(),
  fail_after_tokens: z.number().int().min(0).optional(),
  /** How often the error comes before the rule answers properly; without it, always. */
  fail_times: z.number().int().min(1).optional(),
});
export type Rule = z.infer<typeof Rule>;

export const Model = z.strictObject({
  id: z.string().min(1),
  kind: z.enum(['chat', 'embedding']).default('chat'),
  max_context: z.number().int().positive().default(8192),
  max_concurrency: z.number().int().positive().optional(),
  rules: z.array(Rule).default([]),
});
export type Model = z.infer<typeof Model>;

export const manifest = defineBackend({
  name: 'scripted',
  summary: 'Answers from a script, for tests and demonstrations.',
  runs: 'in-process',
  features,
  settings: {
    MCP_SCRIPTED_MODELS: {
      schema: jsonText(z.array(Model).min(1)).optional(),
      meaning: 'Models with scripted answers, for tests, as JSON; unset, a few that come with the backend.',
      operator: true,
    },
  },
});
