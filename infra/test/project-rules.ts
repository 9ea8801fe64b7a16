import { z } from 'zod';

/**
 * The rules by which Pulumi's engine reads `Pulumi.yaml` and `Pulumi.<stack>.yaml`: its project schema
 * (`sdk/go/common/workspace/project.json`), and what it checks of a stack's configuration before the program runs
 * (`pkg/workspace/config.go`), of version 3.260. Narrower than the engine where it lets slips pass: keys it does not know
 * are refused.
 */
const Scalar = z.union([z.string(), z.number().int(), z.boolean()]);
const TypeName = z.enum(['string', 'integer', 'boolean', 'array', 'object']);

interface Items {
  readonly type: z.infer<typeof TypeName> | Items;
  readonly items?: Items | undefined;
}
const Items: z.ZodType<Items> = z.lazy(() =>
  z
    .strictObject({ type: z.union([TypeName, Items]), items: Items.optional() })
    .refine(({ type, items }) => type !== 'array' || items !== undefined, 'an array names its items'),
);
const Declaration = z.strictObject({
  type: TypeName.optional(),
  items: Items.optional(),
  description: z.string().optional(),
  secret: z.boolean().optional(),
  default: z.unknown().optional(),
  value: z.unknown().optional(),
});
type Declaration = z.infer<typeof Declaration>;

const Project = z.strictObject({
  name: z.string().regex(/^[\w.-]{1,100}$/),
  description: z.string().nullish(),
  main: z.string().nullish(),
  runtime: z.union([
    z.string().min(1),
    z.strictObject({ name: z.string().min(1), options: z.record(z.string(), z.unknown()).optional() }),
  ]),
  stackConfigDir: z.string().nullish(),
  config: z.record(z.string(), z.union([Scalar, z.array(z.unknown()), Declaration])).nullish(),
});

const StackFile = z
  .strictObject({
    encryptionsalt: z.string().optional(),
    secretsprovider: z.string().optional(),
    encryptedkey: z.string().optional(),
    config: z
      .record(z.string(), z.union([z.strictObject({ secure: z.string() }), Scalar, z.array(z.unknown())]))
      .optional(),
  })
  .nullable();

/** Whether a value is of a declared type, as the engine sees it: numbers and truth may be written as text. */
function isOf(type: Items['type'], items: Items | undefined, value: unknown): boolean {
  if (typeof type !== 'string') return isOf(type.type, type.items, value);
  switch (type) {
    case 'string':
      return typeof value === 'string';
    case 'integer':
      return Number.isInteger(value) || (typeof value === 'string' && /^[+-]?\d+$/.test(value));
    case 'boolean':
      return typeof value === 'boolean' || value === 'true' || value === 'false';
    case 'object':
      return typeof value === 'object' && value !== null && !Array.isArray(value);
    case 'array':
      return (
        Array.isArray(value) &&
        items !== undefined &&
        value.every((one) => isOf(items.type, items.items, one))
      );
    default:
      return type satisfies never;
  }
}

/** What the engine holds against a project and the configuration of one of its stacks; empty: the program is run. */
export function engineFaults(project_yaml: unknown, stack: { name: string; yaml: unknown }): string[] {
  const project = Project.safeParse(project_yaml);
  if (!project.success)
    return project.error.issues.map(({ path, message }) => `#/${path.join('/')}: ${message}`);
  const file = StackFile.safeParse(stack.yaml);
  if (!file.success)
    return file.error.issues.map(
      ({ path, message }) => `Pulumi.${stack.name}.yaml#/${path.join('/')}: ${message}`,
    );
  const { name, config } = project.data;
  const given = file.data?.config ?? {};
  return Object.entries(config ?? {}).flatMap(([key, row]) => {
    const own = !key.includes(':') || key.startsWith(`${name}:`);
    const declared = asDeclaration(row, own);
    const faults = declarationFaults(key, declared, own);
    if (faults.length > 0 || !own) return faults;
    const full = key.includes(':') ? key : `${name}:${key}`;
    return valueFaults(stack.name, { key, declared, given: given[full] });
  });
}

/** Without a type: a default of ours, a value of others. */
function asDeclaration(row: unknown, own: boolean): Declaration {
  if (typeof row === 'object' && row !== null && !Array.isArray(row)) return row;
  return own ? { default: row } : { value: row };
}

function declarationFaults(key: string, declared: Declaration, own: boolean): string[] {
  const { type, items, default: fallback, value } = declared;
  if (fallback !== undefined && value !== undefined)
    return [`project config '${key}' cannot have both a 'default' and 'value' attribute`];
  if (!own) {
    if (type !== undefined)
      return [`Configuration key '${key}' is not namespaced by the project and should not define a type`];
    return value === undefined
      ? [`Configuration key '${key}' is namespaced and must provide an attribute 'value'`]
      : [];
  }
  if (type === 'array' && items === undefined)
    return [
      `The configuration key '${key}' declares an array but does not specify the underlying type via the 'items' attribute`,
    ];
  return type !== undefined && fallback !== undefined && !isOf(type, items, fallback)
    ? [`The default value specified for configuration key '${key}' is not of the expected type '${type}'`]
    : [];
}

function valueFaults(
  stack: string,
  { key, declared, given }: { key: string; declared: Declaration; given: unknown },
): string[] {
  const { type, items, secret } = declared;
  const secure = typeof given === 'object' && given !== null && 'secure' in given;
  const value = given ?? declared.default ?? declared.value;
  if (value === undefined) return [`Stack '${stack}' is missing configuration value '${key}'`];
  if (type === undefined) return [];
  if (secret === true && !secure)
    return [`Stack '${stack}' with configuration key '${key}' must be encrypted as it's secret`];
  return secure || isOf(type, items, value)
    ? []
    : [`Stack '${stack}' with configuration key '${key}' must be of type '${type}'`];
}
