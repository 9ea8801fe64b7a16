/** What an operator decides about personal data, and what follows from it. */
import { z } from 'zod';
import { PII_KINDS, type PiiKind } from './kinds.ts';

/**
 * What becomes of personal data, the mildest first: nothing; its kinds are noted where a text is stored; it is replaced by
 * names that are taken back in the answer; it is replaced for good; the request is refused.
 */
export const PII_ACTIONS = ['off', 'tag', 'tokenize', 'redact', 'block'] as const;
const Action = z.enum(PII_ACTIONS);
export type PiiAction = z.infer<typeof Action>;

const ByName = z.record(z.string().min(1).max(200), Action).default({});

/** The name of a town alone is nobody's. */
const DEFAULT_KINDS = PII_KINDS.filter((kind) => kind !== 'location');

export const PiiPolicy = z.strictObject({
  action: Action.default('tag'),
  /** By route, such as `/v1/responses`; it wins over `action`. Conversations have `/chat`, by whichever way they came. */
  routes: ByName,
  /** By model or alias, and by backend: they are only stricter than the route. */
  models: ByName,
  backends: ByName,
  kinds: z.array(z.enum(PII_KINDS)).min(1).default(DEFAULT_KINDS),
  /** Texts that are nobody's, such as the address of the house's own help desk. */
  allow: z.array(z.string().min(1).max(200)).max(1000).default([]),
});
export type PiiPolicy = z.infer<typeof PiiPolicy>;

export function kindsOf({ kinds }: PiiPolicy): ReadonlySet<PiiKind> {
  return new Set(kinds);
}

export function allowedBy({ allow }: PiiPolicy): ReadonlySet<string> {
  return new Set(allow.map((text) => text.toLowerCase()));
}

interface Asked {
  readonly route: string;
  /** Every model that may get the text, and the backends of these. */
  readonly models: readonly string[];
  readonly backends: readonly string[];
}

/** The action of the route, or a stricter one of a model or a backend that may get the text. */
export function piiActionFor(policy: PiiPolicy, { route, models, backends }: Asked): PiiAction {
  const own = (table: Readonly<Record<string, PiiAction>>, name: string) =>
    Object.hasOwn(table, name) ? table[name] : undefined;
  const base = own(policy.routes, route) ?? policy.action;
  return [
    ...models.map((model) => own(policy.models, model)),
    ...backends.map((backend) => own(policy.backends, backend)),
  ].reduce<PiiAction>(
    (strictest, one) => (one !== undefined && isStricter(one, strictest) ? one : strictest),
    base,
  );
}

function isStricter(one: PiiAction, other: PiiAction): boolean {
  return PII_ACTIONS.indexOf(one) > PII_ACTIONS.indexOf(other);
}
