import type { Stack } from '@mcp/stacks';
import type { KubernetesObject } from '../../infra/test/stacks.ts';
import { GIVEN, objectsOf, record } from '../../infra/test/stacks.ts';
import { kubectl, outcome } from './support.ts';

export type { KubernetesObject };

/** Every object that the program makes of a stack; Secrets hold made-up values. */
export async function objectsOfStack(
  name: string,
  change?: (stack: Stack) => void,
): Promise<KubernetesObject[]> {
  const { resources } = await record(name, { ...GIVEN }, (stacks) => change?.(stacks[name] as Stack));
  return objectsOf(resources).map((object) =>
    object.kind === 'Secret' ? { ...object, data: madeUp(object.data as object) } : object,
  );
}

function madeUp(data: object): Record<string, string> {
  return Object.fromEntries(
    Object.keys(data).map((key) => [key, Buffer.from(`made up ${key}`).toString('base64')]),
  );
}

/** The kinds that this cluster knows, as `Deployment.apps`. */
export async function knownKinds(): Promise<ReadonlySet<string>> {
  const rows = (await kubectl(['api-resources', '--no-headers'])).trim().split('\n');
  return new Set(
    rows.map((row) => {
      const words = row.trim().split(/\s+/);
      return kindOf({ apiVersion: words.at(-3) ?? '', kind: words.at(-1) ?? '' });
    }),
  );
}

export function kindOf({ apiVersion, kind }: Pick<KubernetesObject, 'apiVersion' | 'kind'>): string {
  const group = apiVersion.includes('/') ? apiVersion.slice(0, apiVersion.indexOf('/')) : '';
  return `${kind}.${group}`;
}

export interface Applied {
  /** What the API server answered, by kind and name. */
  readonly objects: ReadonlyMap<string, KubernetesObject>;
  readonly refused: readonly string[];
}

export function nameOf({ kind, metadata }: Pick<KubernetesObject, 'kind' | 'metadata'>): string {
  return `${kind} ${metadata.name}`;
}

interface ApplyOptions {
  readonly manager: string;
  /** They are only shown to the API server. */
  readonly dry?: boolean;
  /** By somebody of this group, who has its rights and no other; undefined: by whoever runs the tests. */
  readonly group?: string;
}

/** Applies objects by server-side apply in one call. */
export async function apply(
  objects: readonly object[],
  { manager, dry = false, group }: ApplyOptions,
): Promise<Applied> {
  if (objects.length === 0) return { objects: new Map(), refused: [] };
  const list = { apiVersion: 'v1', kind: 'List', items: objects };
  const flags = [
    '--server-side',
    '--force-conflicts',
    '--field-manager',
    manager,
    ...(dry ? ['--dry-run=server'] : []),
    ...(group === undefined ? [] : ['--as=somebody', `--as-group=${group}`]),
  ];
  const args = ['apply', ...flags, '--output', 'json', '--filename', '-'];
  const { ok, text } = await outcome(kubectl(args, JSON.stringify(list)));
  const end = text.lastIndexOf('}') + 1;
  const answer = JSON.parse(text.slice(text.indexOf('{'), end) || '{}') as {
    readonly kind?: string;
    readonly items?: readonly KubernetesObject[];
  };
  const items = answer.kind === 'List' ? (answer.items ?? []) : [answer as KubernetesObject];
  return {
    objects: new Map(items.filter(({ kind }) => kind !== undefined).map((one) => [nameOf(one), one])),
    refused: ok ? [] : text.slice(end).trim().split('\n'),
  };
}
