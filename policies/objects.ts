import { z } from 'zod';

/** Servers and dumps write an absent list or map as null, as undefined or not at all. */
export const list = <T extends z.ZodType>(item: T) =>
  z
    .array(item)
    .nullish()
    .transform((value) => value ?? []);
const map = <T extends z.ZodType>(item: T) =>
  z
    .record(z.string(), item)
    .nullish()
    .transform((value) => value ?? {});
const Quantity = z.union([z.string(), z.number()]);

const Metadata = z.object({
  name: z.string().nullish(),
  namespace: z.string().nullish(),
  labels: map(z.string()),
  ownerReferences: list(z.object({ controller: z.boolean().nullish() })),
});

const SecurityContext = z.object({
  privileged: z.boolean().nullish(),
  allowPrivilegeEscalation: z.boolean().nullish(),
  readOnlyRootFilesystem: z.boolean().nullish(),
  runAsNonRoot: z.boolean().nullish(),
  runAsUser: z.number().nullish(),
  procMount: z.string().nullish(),
  seccompProfile: z.object({ type: z.string() }).nullish(),
  capabilities: z.object({ drop: list(z.string()), add: list(z.string()) }).nullish(),
});

const Container = z.object({
  name: z.string(),
  ports: list(z.object({ hostPort: z.number().nullish() })),
  resources: z.object({ requests: map(Quantity), limits: map(Quantity) }).nullish(),
  securityContext: SecurityContext.nullish(),
});
export type Container = z.infer<typeof Container>;

const PodSpec = z.object({
  hostNetwork: z.boolean().nullish(),
  hostPID: z.boolean().nullish(),
  hostIPC: z.boolean().nullish(),
  nodeSelector: map(z.string()),
  securityContext: SecurityContext.nullish(),
  containers: list(Container),
  initContainers: list(Container),
  ephemeralContainers: list(Container),
  volumes: list(z.object({ name: z.string(), hostPath: z.unknown().optional() })),
});
const Template = z.object({ metadata: Metadata.nullish(), spec: PodSpec });

/** Any object; only what all kinds share is typed. */
export const KubernetesObject = z.looseObject({
  apiVersion: z.string(),
  kind: z.string(),
  metadata: Metadata,
});
export type KubernetesObject = z.infer<typeof KubernetesObject>;

const WithTemplate = z.object({ spec: z.object({ template: z.unknown() }) });
const OfCronJob = z.object({ spec: z.object({ jobTemplate: WithTemplate }) });

/** The pod template of an object, as it stands there; a Pod is its own. Undefined for every other kind. */
function templateOf(object: KubernetesObject): unknown {
  switch (object.kind) {
    case 'Pod':
      return object;
    case 'Deployment':
    case 'StatefulSet':
    case 'DaemonSet':
    case 'ReplicaSet':
    case 'Job':
      return WithTemplate.parse(object).spec.template;
    case 'CronJob':
      return OfCronJob.parse(object).spec.jobTemplate.spec.template;
    default:
      return undefined;
  }
}

/** The pods that an object is or makes. */
export interface PodOf {
  readonly labels: Readonly<Record<string, string>>;
  readonly spec: z.infer<typeof PodSpec>;
}

/**
 * The pod of a Pod or of a workload's template; undefined for every other kind. Throws a ZodError on a malformed one.
 * Images and environments are not read: in a preview they are often unknown yet, and a rule that reads one cannot run.
 */
export function podOf(object: KubernetesObject): PodOf | undefined {
  const template = templateOf(object);
  if (template === undefined) return undefined;
  const { metadata, spec } = Template.parse(template);
  return { labels: metadata?.labels ?? {}, spec };
}

/** Fields of every container of an object's pods, init and debug containers as well; none for other kinds. */
export function readContainers<T extends z.ZodType>(object: KubernetesObject, fields: T): z.output<T>[] {
  const template = templateOf(object);
  if (template === undefined) return [];
  const all = { initContainers: list(fields), containers: list(fields), ephemeralContainers: list(fields) };
  const { spec } = z.object({ spec: z.object(all) }).parse(template);
  return [...spec.initContainers, ...spec.containers, ...spec.ephemeralContainers];
}

/** Containers that start with the pod, in order: init containers first. */
export function containersOf({ spec }: PodOf): Container[] {
  return [...spec.initContainers, ...spec.containers];
}

/** Those and the ones that `kubectl debug` adds, which can have no resources. */
export function everyContainerOf(pod: PodOf): Container[] {
  return [...containersOf(pod), ...pod.spec.ephemeralContainers];
}

const Requirement = z.object({ key: z.string(), operator: z.string(), values: list(z.string()) });
/** A label selector; null selects nothing and `{}` everything. */
export const Selector = z.object({ matchLabels: map(z.string()), matchExpressions: list(Requirement) });
export type Selector = z.infer<typeof Selector>;

/** Whether a label selector selects labels (Kubernetes API, LabelSelector). */
export function selects(selector: Selector, labels: Readonly<Record<string, string>>): boolean {
  return (
    Object.entries(selector.matchLabels).every(([key, value]) => labels[key] === value) &&
    selector.matchExpressions.every((one) =>
      meets(one, Object.hasOwn(labels, one.key) ? labels[one.key] : undefined),
    )
  );
}

function meets({ operator, values }: z.infer<typeof Requirement>, value: string | undefined): boolean {
  switch (operator) {
    case 'In':
      return value !== undefined && values.includes(value);
    case 'NotIn':
      return value === undefined || !values.includes(value);
    case 'Exists':
      return value !== undefined;
    case 'DoesNotExist':
      return value === undefined;
    default:
      return false;
  }
}

/** Namespace of an object; the default one where none is said. */
export function namespaceOf(object: KubernetesObject): string {
  return object.metadata.namespace ?? 'default';
}

/** Objects of a kind in the namespace of another. */
export function beside(
  object: KubernetesObject,
  all: readonly KubernetesObject[],
  kind: string,
): KubernetesObject[] {
  return all.filter((one) => one.kind === kind && namespaceOf(one) === namespaceOf(object));
}
