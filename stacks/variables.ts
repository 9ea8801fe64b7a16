/** Every environment variable of the platform, joined from the manifests that read it. */
import { DefinitionError, ServiceName, type Setting, type Settings } from '@mcp/contracts';
import { busSettings, commonSettings, signingKeySetting } from '@mcp/service-kit/manifest';
import type { DeploymentContext } from './context.ts';
import type { derived } from './derived.ts';
import { isFlag } from './flags.ts';
import { signingKeyOf, signingServices } from './identities.ts';
import type { Stack } from './schema.ts';
import { type SecretName, secretNameOf } from './secrets.ts';
import { services } from './services.ts';

type Scalar = string | number | boolean;
/** Dotted paths to texts, numbers and booleans. */
type Leaf<T> = {
  [K in keyof T & string]: NonNullable<T[K]> extends Scalar
    ? K
    : NonNullable<T[K]> extends readonly unknown[] | ((...args: never[]) => unknown)
      ? never
      : `${K}.${Leaf<NonNullable<T[K]>>}`;
}[keyof T & string];
/** What a setting may name as its value: a manifest that names anything else does not compile here. */
type From = `stack.${Leaf<Stack>}` | `at.${Leaf<DeploymentContext>}` | `derived.${keyof typeof derived}`;

/** One environment variable. `docs/configuration.md` is generated from these rows. */
export interface VariableRow {
  readonly name: string;
  readonly meaning: string;
  /** Which services are given it, and the variable without which each has no use for it. */
  readonly uses: readonly { readonly service: ServiceName; readonly only_with: string | undefined }[];
  /** What gives its value. Undefined: a secret, or the service's own default holds. */
  readonly from: string | undefined;
  /** True when an operator may set it around the platform, which wins over the stack. */
  readonly operator: boolean;
  /** True when its value must never be shown. */
  readonly secret: boolean;
  readonly secret_name: SecretName | undefined;
}

/** A row of a manifest, and who declares it. */
export interface Declaration {
  readonly name: string;
  readonly service: ServiceName;
  readonly setting: Setting & { readonly from?: From | undefined };
}

/** Joins what services declare. Throws a DefinitionError with everything that clashes. */
export function joinSettings(declarations: readonly Declaration[]): readonly VariableRow[] {
  const byName = Map.groupBy(declarations, ({ name }) => name);
  const faults = declarations.flatMap((one) => clashes(one, byName));
  if (faults.length > 0) throw new DefinitionError('The table of variables', [...new Set(faults)]);
  return [...byName].flatMap(([name, [first, ...others]]) => {
    if (first === undefined) return [];
    const { setting } = first;
    return [
      {
        name,
        meaning: setting.meaning,
        uses: [first, ...others].map((one) => ({ service: one.service, only_with: one.setting.only_with })),
        from: setting.from,
        operator: setting.operator === true,
        secret: setting.secret !== undefined || setting.sensitive === true,
        secret_name: setting.secret && nameOf(first, setting.secret.made.by === 'signing-key'),
      },
    ];
  });
}

function nameOf({ name, service }: Declaration, signs: boolean): SecretName {
  return signs ? signingKeyOf(service) : secretNameOf(name);
}

/** What of a row does not go together with other rows. */
function clashes(
  { name, service, setting }: Declaration,
  all: ReadonlyMap<string, readonly Declaration[]>,
): string[] {
  const faults: string[] = [];
  const [first] = all.get(name) ?? [];
  if (first !== undefined && !isSame(first.setting, setting))
    faults.push(
      `${name} is not the same in ${first.service} and in ${service}: share one row (a package's manifest.ts), or give one of them another name`,
    );
  if (isFlag(name))
    faults.push(`${name} is a setting of ${service} and a flag: give one of them another name`);
  for (const other of [...(setting.requires ?? []), ...(setting.only_with ? [setting.only_with] : [])])
    if (all.get(other)?.some((one) => one.service === service) !== true)
      faults.push(`${name} of ${service} names ${other}, which ${service} does not read: declare it there`);
  const place = placeOf(setting);
  for (const [other, [one]] of all)
    if (place !== undefined && other !== name && one !== undefined && placeOf(one.setting) === place)
      faults.push(`${[name, other].sort().join(' and ')} share the place ${place}: give each its own key`);
  return faults;
}

/** Where Kubernetes keeps a secret. */
function placeOf({ secret }: Setting): string | undefined {
  return secret && `${secret.object}/${secret.key}`;
}

/** Whether two rows say the same; whom it is given to may differ. */
function isSame(one: Setting, other: Setting): boolean {
  const said = ({ schema: _, only_with: __, ...rest }: Setting) => JSON.stringify(rest);
  return one.schema === other.schema && said(one) === said(other);
}

function of(
  service: ServiceName,
  settings: Settings & Readonly<Record<string, { from?: From | undefined }>>,
) {
  return Object.entries(settings).map(([name, setting]): Declaration => ({ name, service, setting }));
}

const onBus = ServiceName.options.filter((name) => services[name].needs.includes('nats'));

/** Every variable but the ports and URLs of services and the feature flags, which follow from their own tables. */
export const VARIABLES = joinSettings([
  ...ServiceName.options.flatMap((name) => of(name, commonSettings)),
  ...onBus.flatMap((name) => of(name, busSettings)),
  // A service has its own key only.
  ...signingServices.flatMap((name) => of(name, signingKeySetting(name))),
  ...ServiceName.options.flatMap((name) => of(name, services[name].settings)),
]);
