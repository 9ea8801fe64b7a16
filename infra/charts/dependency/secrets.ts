/** Secrets of dependencies, as their manifests say: made at random, and certificates for servers that speak to each other. */
import { dependencies, type KnownDependency } from '@mcp/dependencies';
import { DEPENDENCY_NAMES, type Stack } from '@mcp/stacks';
import type * as pulumi from '@pulumi/pulumi';
import type { ProgramConfig } from '../../config.ts';
import { certificatesOf } from '../../kit/certificates.ts';
import { namesOf, runningOne, usersOf } from './place.ts';

type Row = (typeof dependencies)[KnownDependency]['manifest']['secrets'][number];

interface DependencySecret {
  readonly object: string;
  readonly key: string;
  readonly value: pulumi.Output<string>;
}

interface Options {
  readonly given: ProgramConfig['secrets'];
  /** Makes a value once, which is kept under its name. */
  readonly random: (name: string) => pulumi.Output<string>;
}

/** Every secret that the dependencies of a stack and those who use them need. */
export function dependencySecrets(stack: Stack, options: Options): DependencySecret[] {
  return DEPENDENCY_NAMES.flatMap((name) => [
    ...dependencies[name].manifest.secrets
      .filter(({ made }) => made === 'random')
      .flatMap((row) =>
        objectsOf(stack, name, row).map((object) => ({
          object,
          key: row.key,
          value: options.random(object.slice('mcp-'.length)),
        })),
      ),
    ...certificateOf(stack, name, options),
  ]);
}

/** Names of the Secrets that a row of a manifest stands for in a stack. */
function objectsOf(stack: Stack, name: KnownDependency, row: Row): string[] {
  const one = runningOne(stack, name);
  const object = row.object as string;
  switch (row.for) {
    case 'user': {
      // Also where somebody else runs it, who is then told them; its operators are theirs.
      const operators = one === undefined ? [] : (one.dependency.operators ?? []);
      const users = usersOf(stack, name).map((user) => user.name);
      return [...users.sort(), ...operators].map((user): string => `${object}-${user}`);
    }
    case 'itself':
      return one === undefined ? [] : [object];
    case 'replicas':
      return one !== undefined && one.here.replicas > 1 ? [object] : [];
    case 'regions':
      return one !== undefined && isLinked(stack) ? [object] : [];
    default:
      return row.for satisfies never;
  }
}

function isLinked({ regions }: Stack): boolean {
  return regions.some(({ peers }) => peers.length > 0);
}

/** The operator's, or one of an authority of the platform's own, from a seed in the state. */
function certificateOf(stack: Stack, name: KnownDependency, { given, random }: Options): DependencySecret[] {
  const one = runningOne(stack, name);
  const object = one?.runs.certificate?.object;
  if (one === undefined || object === undefined || (one.here.replicas === 1 && !isLinked(stack))) return [];
  const { natsTlsCa, natsTlsCert, natsTlsKey } = given;
  // All or none of them: the configuration was checked.
  if (natsTlsCa !== undefined && natsTlsCert !== undefined && natsTlsKey !== undefined)
    return [
      { object, key: 'ca.crt', value: natsTlsCa },
      { object, key: 'tls.crt', value: natsTlsCert },
      { object, key: 'tls.key', value: natsTlsKey },
    ];
  const of = { authority: `mcp ${stack.name} event buses`, subject: name, names: namesOf(stack, name) };
  const made = random(object.slice('mcp-'.length)).apply((seed) => certificatesOf(seed, of));
  return [
    { object, key: 'ca.crt', value: made.apply(({ ca }) => ca) },
    { object, key: 'tls.crt', value: made.apply(({ cert }) => cert) },
    { object, key: 'tls.key', value: made.apply(({ key }) => key) },
  ];
}
