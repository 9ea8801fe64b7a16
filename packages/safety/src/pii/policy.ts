/** What an operator decides about personal data, and what follows from it. */
import { PiiAction } from '@mcp/contracts';
import { z } from 'zod';
import { PII_KINDS, type PiiKind } from './kinds.ts';

/** Where texts come in. Conversations have `/chat`, a WebSocket's as well; what a route has beneath it is as itself. */
const PII_ROUTES = [
  '/chat',
  '/v1/chat/completions',
  '/v1/responses',
  '/v1/messages',
  '/v1/embeddings',
  '/v1/jobs',
] as const;
export type PiiRoute = (typeof PII_ROUTES)[number];

/** What most people take for personal: the name of a town alone is nobody's. */
export const PERSONAL_KINDS: readonly PiiKind[] = PII_KINDS.filter((kind) => kind !== 'location');

export const PiiPolicy = z.strictObject({
  action: PiiAction.default('tag'),
  /** By route; it wins over `action`. */
  routes: z.partialRecord(z.enum(PII_ROUTES), PiiAction).default({}),
  /** Where a model that is not the platform's own may get the text: only ever stricter than the route. */
  third_party: PiiAction.optional(),
  kinds: z
    .array(z.enum(PII_KINDS))
    .min(1)
    .default([...PERSONAL_KINDS]),
  /** Texts that are nobody's, such as the address of the house's own help desk. */
  allow: z.array(z.string().min(1).max(200)).max(1000).default([]),
});
export type PiiPolicy = z.infer<typeof PiiPolicy>;

/** The route of a path; undefined: no text comes in there. */
export function piiRouteOf(path: string): PiiRoute | undefined {
  return PII_ROUTES.find((route) => path === route || path.startsWith(`${route}/`));
}

/** The action of a route, or a stricter one where the text may leave the platform's own models. */
export function piiActionOf(
  { action, routes, third_party }: PiiPolicy,
  { route, leaves }: { readonly route: PiiRoute; readonly leaves: boolean },
): PiiAction {
  const own = routes[route] ?? action;
  return leaves && third_party !== undefined && isStricter(third_party, own) ? third_party : own;
}

/** Whether texts are changed or refused. */
export function actsOn(action: PiiAction): boolean {
  return isStricter(action, 'tag');
}

function isStricter(one: PiiAction, other: PiiAction): boolean {
  return PiiAction.options.indexOf(one) > PiiAction.options.indexOf(other);
}
