import { z } from 'zod';

/**
 * What the rules are told by a stack. Defaults are the strict choice, so that a stack only ever says where it
 * is more lenient.
 */
export const PolicyParams = z.strictObject({
  /** Prefixes that images may start with; each ends in `/`, so that `ghcr.io/acme` does not admit `ghcr.io/acme-evil`. */
  allowed_registries: z
    .array(z.string().regex(/^[a-z0-9.:-]+(\/[a-z0-9._-]+)*\/$/, 'must be such as ghcr.io/acme/'))
    .max(64),
  /** True: an image must name its digest. False (local stack): a fixed tag is enough. */
  by_digest: z.boolean().default(true),
  /** Names of Services that may be of type LoadBalancer: those of the edge. */
  load_balancers: z.array(z.string()).max(16).default([]),
  /** Prefixes, ending in `/`, of images that must be covered by a ClusterImagePolicy; empty where signatures are off. */
  signed_registries: z.array(z.string().endsWith('/')).max(16).default([]),
});
/** Settings of the rules, as a stack gives them. */
export type PolicySettings = z.input<typeof PolicyParams>;

/**
 * Labels on every workload and pod: Kubernetes' recommended ones and the two that say where data may lie
 * (blueprint, residency).
 */
const REQUIRED_LABELS = [
  'app.kubernetes.io/name',
  'app.kubernetes.io/instance',
  'app.kubernetes.io/part-of',
  'app.kubernetes.io/managed-by',
  'mcp.platform/region',
  'mcp.platform/residency',
] as const;

/**
 * Names of variables whose value is a secret, matched against the name in capitals. A name that ends in
 * `_FILE`, `_PATH` or `_DIR` says where a secret is and is not one. Both lists keep to the syntax that
 * JavaScript and RE2 share, for Rego evaluates the same strings.
 */
const SECRET_NAMES = [
  '(^|_)TOKEN$',
  '(^|_)KEY$',
  '_KEY_HASH$',
  'SECRET',
  'PASSWORD',
  'PASSWD',
  'CREDENTIALS?$',
  '^DATABASE_URL$',
  '_DATABASE_URL$',
] as const;
const NOT_SECRET_NAMES = ['_(FILE|PATH|DIR)$'] as const;

/** Values that are credentials whatever their name: keys of known make, private keys, and URLs with a password. */
const SECRET_VALUES = [
  '(^|[^A-Za-z0-9])sk-[A-Za-z0-9_-]{20,}',
  '(^|[^A-Za-z0-9])gh[pousr]_[A-Za-z0-9]{30,}',
  '(^|[^A-Za-z0-9])github_pat_[A-Za-z0-9_]{30,}',
  '(^|[^A-Za-z0-9])hf_[A-Za-z0-9]{30,}',
  '(^|[^A-Z0-9])AKIA[A-Z0-9]{16}([^A-Z0-9]|$)',
  '(^|[^A-Za-z0-9])xox[abprs]-[A-Za-z0-9-]{10,}',
  '(^|[^A-Za-z0-9_-])eyJ[A-Za-z0-9_-]{10,}[.]eyJ[A-Za-z0-9_-]{10,}[.]',
  '-----BEGIN ([A-Z]+ )*PRIVATE KEY-----',
  // What begins with `$`, `(` or `{` is a reference that is filled in later.
  '://[^/:@\n "]*:[^/@\n "$({][^/@\n "]*@',
] as const;

/** What every rule is given: a stack's settings with the platform's own lists. */
export interface Params extends z.output<typeof PolicyParams> {
  readonly required_labels: readonly string[];
  readonly secret_names: readonly string[];
  readonly not_secret_names: readonly string[];
  readonly secret_values: readonly string[];
}

/** Completes a stack's settings. Throws a ZodError that names the setting that does not hold. */
export function paramsOf(settings: PolicySettings): Params {
  return {
    ...PolicyParams.parse(settings),
    required_labels: REQUIRED_LABELS,
    secret_names: SECRET_NAMES,
    not_secret_names: NOT_SECRET_NAMES,
    secret_values: SECRET_VALUES,
  };
}
