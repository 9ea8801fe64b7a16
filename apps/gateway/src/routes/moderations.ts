import { randomUUID } from 'node:crypto';
import { ModerationRequest } from '@mcp/contracts';
import { evidenceIn, type RiskCategory } from '@mcp/safety/risk';
import { type KitEnv, parseBody } from '@mcp/service-kit';
import type { Hono } from 'hono';
import type { Gateway } from '../gateway.ts';
import { guard } from '../transports/http.ts';

/** What looked at the texts, as the answer names it. */
const MODEL = 'mcp/lexical-risk';
/** OpenAI's categories, and one of ours, by the evidence that counts for them. */
const CATEGORIES: Readonly<Record<string, readonly RiskCategory[]>> = {
  harassment: [],
  'harassment/threatening': [],
  hate: ['hate'],
  'hate/threatening': [],
  illicit: ['malware', 'weapons'],
  'illicit/violent': ['weapons'],
  'self-harm': ['self-harm'],
  'self-harm/intent': [],
  'self-harm/instructions': [],
  sexual: ['sexual-minors'],
  'sexual/minors': ['sexual-minors'],
  violence: ['violence', 'weapons'],
  'violence/graphic': [],
  'prompt-injection': ['prompt-injection'],
};

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
  const scores = Object.entries(CATEGORIES).map(
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
