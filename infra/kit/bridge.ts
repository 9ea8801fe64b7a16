import * as k8s from '@pulumi/kubernetes';
import * as pulumi from '@pulumi/pulumi';
import { ApiObject, App, Chart } from 'cdk8s';
import { asKept } from './kept.ts';
import { completed, foreignFields, formerNames } from './objects.ts';
import { OutputTokens } from './tokens.ts';

interface Manifest {
  readonly apiVersion: string;
  readonly kind: string;
  readonly metadata: { name?: string; namespace?: string };
}

type ResourceClass = new (
  name: string,
  args: unknown,
  options: pulumi.CustomResourceOptions,
) => pulumi.CustomResource;

/** Kinds without a namespace; cdk8s gives every object its chart's. */
const CLUSTER_SCOPED = new Set([
  'Namespace',
  'PriorityClass',
  'ClusterRole',
  'ClusterRoleBinding',
  'ClusterImagePolicy',
  'ConstraintTemplate',
]);
/** What the other objects of a chart need: where they lie, or what defines their kind. */
const NEEDED_FIRST = new Set(['Namespace', 'ConstraintTemplate']);
const CLUSTER_SCOPED_GROUPS = new Set(['constraints.gatekeeper.sh']);

/**
 * What stays as it was made, by kind: the API server refuses to change it, and Pulumi would delete the object and make
 * it anew. A claim of another class would be a new, empty volume: only claims that are made from then on have it.
 */
export const STAYS_AS_MADE: Readonly<Record<string, readonly string[]>> = {
  PersistentVolumeClaim: ['spec.storageClassName'],
};

const TYPE = 'mcp:cdk8s:Chart';

export interface ChartArgs {
  /** Namespace of every object that has one; undefined: the chart holds cluster-wide objects only. */
  readonly namespace?: string;
  /** Labels of every object. */
  readonly labels: Record<string, string>;
  /** Fills the chart. Outputs may stand wherever a manifest has a value. */
  readonly build: (chart: Chart) => void;
}

/**
 * A cdk8s chart as a Pulumi component (`mcp:cdk8s:Chart`): every object is one Pulumi resource named
 * `<component>-<id>`, so that a preview names exactly what changes. What others need comes first.
 * Throws when cdk8s finds an object invalid.
 */
export class ChartComponent extends pulumi.ComponentResource {
  /** The objects, by their id in the chart. */
  readonly objects: ReadonlyMap<string, pulumi.CustomResource>;

  constructor(name: string, args: ChartArgs, options: pulumi.ComponentResourceOptions) {
    super(TYPE, name, {}, options);
    const tokens = new OutputTokens();
    const app = new App({ resolvers: [tokens] });
    const chart = new Chart(app, name, {
      disableResourceNameHashes: true,
      labels: args.labels,
      ...(args.namespace === undefined ? {} : { namespace: args.namespace }),
    });
    args.build(chart);
    const errors = app.node.findAll().flatMap((node) => node.node.validate());
    if (errors.length > 0) throw new Error(`The chart ${name} is not valid:\n  ${errors.join('\n  ')}`);
    this.objects = this.#register(chart, { tokens, parent: options.parent });
    this.registerOutputs({});
  }

  #register(
    chart: Chart,
    { tokens, parent }: { tokens: OutputTokens; parent: pulumi.Resource | undefined },
  ): Map<string, pulumi.CustomResource> {
    const made = new Map<string, pulumi.CustomResource>();
    const objects = chart.node.findAll().filter((one): one is ApiObject => ApiObject.isApiObject(one));
    const first = objects.filter(({ kind }) => NEEDED_FIRST.has(kind));
    for (const object of [...first, ...objects.filter((one) => !first.includes(one))]) {
      const id = idOf(chart, object);
      const dependsOn = first.includes(object) ? [] : first.map((one) => made.get(idOf(chart, one)));
      const manifest = tokens.substitute(manifestOf(object)) as Manifest;
      const resource = create(`${chart.node.id}-${id}`, manifest, {
        parent: this,
        dependsOn: dependsOn.filter((one) => one !== undefined),
        ignoreChanges: [...(STAYS_AS_MADE[manifest.kind] ?? []), ...foreignFields(object)],
        aliases: formerNames(object).map((former) => ({
          name: `${former.chart}-${former.id}`,
          parent: pulumi.createUrn(former.chart, TYPE, parent),
        })),
      });
      made.set(id, resource);
    }
    return made;
  }
}

/** Where an object is in its chart. A construct of cdk8s-plus calls the object that it stands for `Resource`. */
function idOf(chart: Chart, { node }: ApiObject): string {
  const path = node.path.slice(chart.node.path.length + 1).split('/');
  return (path.at(-1) === 'Resource' ? path.slice(0, -1) : path).join('-');
}

function manifestOf(object: ApiObject): Manifest {
  const manifest = asKept(completed(object, object.toJson()) as Manifest);
  if (CLUSTER_SCOPED.has(manifest.kind) || CLUSTER_SCOPED_GROUPS.has(object.apiGroup))
    delete manifest.metadata.namespace;
  return manifest;
}

function create(
  name: string,
  manifest: Manifest,
  options: pulumi.CustomResourceOptions,
): pulumi.CustomResource {
  const Class = classOf(manifest);
  return Class === undefined
    ? new k8s.apiextensions.CustomResource(name, manifest as never, options)
    : new Class(name, manifest, options);
}

/** The SDK's class of a built-in kind: `networking.k8s.io/v1` is `networking.v1`. Undefined for custom kinds. */
function classOf({ apiVersion, kind }: Manifest): ResourceClass | undefined {
  const [version = '', group = 'core'] = apiVersion.split('/').reverse();
  if (group.includes('.') && !group.endsWith('.k8s.io')) return undefined;
  const modules = k8s as unknown as Record<string, Record<string, Record<string, ResourceClass>>>;
  return modules[group.split('.')[0] ?? '']?.[version]?.[kind];
}
