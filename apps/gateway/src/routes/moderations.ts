import { randomUUID } from 'node:crypto';
import { ModerationRequest } from '@mcp/contracts';
import { CATEGORIES, CATEGORY_NAMES, OPENAI_CATEGORIES, type SafetyCategory } from '@mcp/safety/categories';
import { harmScores } from '@mcp/safety/guard';
import { evidenceIn } from '@mcp/safety/risk';
import { type KitEnv, parseBody } from '@mcp/service-kit';
import type { Hono } from 'hono';
import type { Gateway } from '../gateway.ts';
import { guard } from '../transports/http.ts';

/** What looked at the texts, as the answer names it. */
const MODEL = 'mcp/safety';
/** OpenAI's categories and ours, with those of the registry that count for them. */
const NAMES: ReadonlyMap<string, readonly SafetyCategory[]> = new Map(
  [...OPENAI_CATEGORIES, ...CATEGORY_NAMES.flatMap((name) => CATEGORIES[name].openai)].map((openai) => [
    openai,
    CATEGORY_NAMES.filter((name) => (CATEGORIES[name].openai as readonly string[]).includes(openai)),
  ]),
);

/** `POST /v1/moderations`: phrases that call for caution, and harm by the classifier, in OpenAI's format. */
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
  const scores = new Map<SafetyCategory, number>();
  const found = new Set<SafetyCategory>();
  const add = (category: SafetyCategory, score: number) =>
    scores.set(category, Math.max(score, scores.get(category) ?? 0));
  for (const { category, weight } of evidenceIn(text)) {
    found.add(category);
    add(category, weight);
  }
  for (const harm of harmScores(text)) {
    if (harm.found) found.add(harm.category);
    add(harm.category, harm.score);
  }
  const rows = [...NAMES].map(([name, kinds]) => ({
    name,
    flagged: kinds.some((kind) => found.has(kind)),
    score: Math.max(0, ...kinds.map((kind) => scores.get(kind) ?? 0)),
  }));
  return {
    flagged: found.size > 0,
    categories: Object.fromEntries(rows.map(({ name, flagged }) => [name, flagged])),
    category_scores: Object.fromEntries(rows.map(({ name, score }) => [name, score])),
    category_applied_input_types: Object.fromEntries(
      rows.map(({ name, flagged }) => [name, flagged ? ['text'] : []]),
    ),
  };
}
