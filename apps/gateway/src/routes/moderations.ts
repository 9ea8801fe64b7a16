import { randomUUID } from 'node:crypto';
import { ModerationRequest } from '@mcp/contracts';
import { CATEGORIES, CATEGORY_NAMES, OPENAI_CATEGORIES, type SafetyCategory } from '@mcp/safety/categories';
import { evidenceIn } from '@mcp/safety/risk';
import { type KitEnv, parseBody } from '@mcp/service-kit';
import type { Hono } from 'hono';
import type { Gateway } from '../gateway.ts';
import { guard } from '../transports/http.ts';

/** What looked at the texts, as the answer names it. */
const MODEL = 'mcp/lexical-risk';
/** OpenAI's categories and ours, with those of the registry that count for them. */
const NAMES: ReadonlyMap<string, readonly SafetyCategory[]> = new Map(
  [...OPENAI_CATEGORIES, ...CATEGORY_NAMES.flatMap((name) => CATEGORIES[name].openai)].map((openai) => [
    openai,
    CATEGORY_NAMES.filter((name) => (CATEGORIES[name].openai as readonly string[]).includes(openai)),
  ]),
);

/** `POST /v1/moderations`: phrases that call for caution, in OpenAI's format. */
export function moderationRoutes(app: Hono<KitEnv>, gateway: Gateway): void {
  app.post(
    '/v1/moderations',
    guard(gateway, { scope: 'chat', body: true }, async (c) => {
      const { input } = await parseBody(c, ModerationRequest, gateway.kit.config.MCP_MAX_BODY_BYTES);
      return c.json({ id: `modr-${randomUUID()}`, model: MODEL, results: textsOf(input).map(resultOf) });
    }),
  );
}

/** Parts are one input, as OpenAI has it; texts in a list are one each. */
function textsOf(input: ModerationRequest['input']): readonly string[] {
  if (typeof input === 'string') return [input];
  const parts = input.filter((item) => typeof item !== 'string');
  return parts.length === 0 ? (input as string[]) : [parts.map(({ text }) => text).join('\n')];
}

function resultOf(text: string): object {
  const found = new Map(evidenceIn(text).map(({ category, weight }) => [category, weight]));
  const scores = [...NAMES].map(
    ([name, kinds]) => [name, Math.max(0, ...kinds.map((kind) => found.get(kind) ?? 0))] as const,
  );
  return {
    flagged: found.size > 0,
    categories: Object.fromEntries(scores.map(([name, score]) => [name, score > 0])),
    category_scores: Object.fromEntries(scores),
    category_applied_input_types: Object.fromEntries(
      scores.map(([name, score]) => [name, score > 0 ? ['text'] : []]),
    ),
  };
}
