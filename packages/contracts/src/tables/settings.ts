/** What a manifest says about a setting, a secret and their values: one row each, from which everything else derives. */
import { z } from 'zod';

/** How a secret comes to be. */
const SecretOrigin = z.discriminatedUnion('by', [
  /** Random, made once and kept. `name`: what it is called in the state of Pulumi, and its file on one machine. */
  z.strictObject({
    by: z.literal('random'),
    name: z.string().min(1),
    /** Where an operator may give one instead: `external-database`, must where the store outlives the cluster. */
    given: z.enum(['may', 'external-database']).optional(),
  }),
  /** SHA-256 (hex) of a random value that only a person keeps, which stands under `key` of the same object. */
  z.strictObject({
    by: z.literal('sha256'),
    of: z.strictObject({
      name: z.string().min(1),
      /** Its file on one machine, where that is not its name. */
      file: z.string().min(1).optional(),
      key: z.string().min(1),
      /** What it begins with, so that people and scanners know it. */
      prefix: z.string().optional(),
    }),
  }),
  /** What a service makes its signing key from. */
  z.strictObject({ by: z.literal('signing-key') }),
  /** The public keys of all services, made from their signing keys. */
  z.strictObject({ by: z.literal('key-set') }),
  /** Nobody but the operator knows it; `external-database`: it must be given where the database is elsewhere. */
  z.strictObject({ by: z.literal('operator'), required: z.literal('external-database').optional() }),
]);
export type SecretOrigin = z.infer<typeof SecretOrigin>;

/** A secret: where Kubernetes keeps it, and how it is made. Its other names follow from the variable's. */
export const Secret = z.strictObject({
  /** The Secret object that holds it, and the key there. */
  object: z.string().regex(/^mcp-[a-z0-9-]+$/, 'must be the name of a Secret such as mcp-provenance'),
  key: z.string().regex(/^[a-z0-9._-]+$/),
  made: SecretOrigin,
});
export type Secret = z.infer<typeof Secret>;

const Variable = z.string().regex(/^[A-Z][A-Z0-9_]*$/, 'must be a variable such as MCP_MAX_BODY_BYTES');

/** One variable of the environment: how it is read, what it means, and who says it. */
export const Setting = z
  .strictObject({
    /** Reads the text of the variable; has the default. */
    schema: z.custom<z.ZodType>((value) => value instanceof z.ZodType, 'must be a zod schema'),
    /** One sentence for `docs/configuration.md`. */
    meaning: z.string().min(1),
    /**
     * What of a deployment gives its value: `stack.limits.max_tokens` (a field of the stack), `at.data_dir` (of the
     * deployment context) or `derived.bus_url` (a row of `stacks/derived.ts`). Undefined: the default holds.
     */
    from: z
      .string()
      .regex(/^(stack|at|derived)\.[a-z_.]+$/)
      .optional(),
    /** True when an operator may set it around the platform, which wins over the stack. */
    operator: z.literal(true).optional(),
    /** The secret that is its value. */
    secret: Secret.optional(),
    /** True when its value must never be shown although it is no secret itself: a URL with a password. */
    sensitive: z.literal(true).optional(),
    /** Variables that must be set too where this one is. */
    requires: z.array(Variable).readonly().optional(),
    /** The variable without which a service has no use for it: it is given only where that one has a value. */
    only_with: Variable.optional(),
  })
  .refine(({ secret, from }) => secret === undefined || from === undefined, {
    path: ['from'],
    message: 'a secret has no field of the stack: say how it is made (secret.made)',
  })
  .refine(({ secret, sensitive, operator }) => !(secret ?? sensitive) || operator === undefined, {
    path: ['operator'],
    message: 'a secret is not given as an operator variable: say how it is made (secret.made)',
  });
export type Setting = z.infer<typeof Setting>;

/** Settings by the name of their variable. */
export const Settings = z.record(Variable, Setting).readonly();
export type Settings = z.infer<typeof Settings>;

/** What a service reads of its settings. */
export type ConfigOf<S extends Settings> = { readonly [Name in keyof S]: z.output<S[Name]['schema']> };

/** Keeps the exact types of settings that several manifests share; each manifest that names them checks them. */
export function defineSettings<const S extends Settings>(settings: S): S {
  return settings;
}

/** The same settings, given only to where another variable has a value. */
export function onlyWith<const V extends string, const S extends Settings>(
  variable: V,
  settings: S,
): { readonly [Name in keyof S]: S[Name] & { readonly only_with: V } } {
  const rows = Object.entries(settings).map(([name, row]) => [name, { ...row, only_with: variable }]);
  return Object.fromEntries(rows);
}
