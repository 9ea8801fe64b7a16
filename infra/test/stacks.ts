import { stacks } from '@mcp/stacks';
import { vi } from 'vitest';
import type { RecordedResource, Recording } from '../kit/record.ts';

export const STACKS = Object.keys(stacks);

/** Secrets that an operator would give; tests look for them where they must not be. */
export const GIVEN = {
  databaseUrl: 'postgres://mcp:hunter2hunter2@db.example.com/mcp',
  provSecret: 'a-secret-that-must-not-be-seen-anywhere',
  natsTlsCa: 'ca-certificate-of-a-test',
  natsTlsCert: 'certificate-of-a-test',
  natsTlsKey: 'private-key-of-a-test',
} as const;

/** Secrets as they could be seen: as they are, and as a Secret holds them. */
export function spellingsOf(values: readonly string[]): string[] {
  return values.flatMap((value) => [value, Buffer.from(value).toString('base64')]);
}

/** Runs the program for a stack in this process, afresh; `change` may alter the stacks before. */
export async function record(
  stack: string,
  config: Record<string, string> = { ...GIVEN },
  change?: (fresh: typeof stacks) => void,
): Promise<Recording> {
  vi.resetModules();
  change?.((await import('@mcp/stacks')).stacks);
  const { recordProgram } = await import('../kit/record.ts');
  // What it warns of is a test of its own (runtime.test.ts).
  const warned = vi.spyOn(console, 'warn').mockImplementation(() => undefined);
  return recordProgram(stack, config).finally(() => warned.mockRestore());
}

export interface KubernetesObject {
  readonly apiVersion: string;
  readonly kind: string;
  readonly metadata: {
    readonly name: string;
    readonly namespace?: string;
    readonly labels?: Record<string, string>;
  };
  readonly spec?: Record<string, unknown>;
  readonly [field: string]: unknown;
}

export function objectsOf(resources: readonly RecordedResource[]): KubernetesObject[] {
  return resources
    .filter(({ type }) => /^kubernetes:.+\/.+:/.test(type))
    .map(({ inputs }) => inputs as unknown as KubernetesObject);
}

export interface Pod {
  readonly owner: KubernetesObject;
  readonly labels: Readonly<Record<string, string>>;
  readonly annotations: Readonly<Record<string, string>>;
  readonly spec: {
    readonly containers: readonly ContainerShape[];
    readonly initContainers?: readonly ContainerShape[];
    readonly [field: string]: unknown;
  };
}

interface ContainerShape {
  readonly name: string;
  readonly image: string;
  readonly env?: readonly { name: string; value?: string }[];
  readonly ports?: readonly { name?: string; containerPort: number }[];
  readonly [field: string]: unknown;
}

/** The pods that workloads and jobs make. */
export function podsOf(objects: readonly KubernetesObject[]): Pod[] {
  return objects.flatMap((owner) => {
    const spec = owner.spec as
      | { template?: TemplateShape; jobTemplate?: { spec: { template: TemplateShape } } }
      | undefined;
    const template =
      owner.kind === 'CronJob'
        ? spec?.jobTemplate?.spec.template
        : isWorkload(owner)
          ? spec?.template
          : undefined;
    if (template === undefined) return [];
    const { labels, annotations = {} } = template.metadata;
    return [{ owner, labels, annotations, spec: template.spec }];
  });
}

interface TemplateShape {
  readonly metadata: {
    readonly labels: Record<string, string>;
    readonly annotations?: Record<string, string>;
  };
  readonly spec: Pod['spec'];
}

function isWorkload({ kind }: KubernetesObject): boolean {
  return kind === 'Deployment' || kind === 'StatefulSet';
}

/** Whether a label selector of plain pairs selects labels. */
export function selects(selector: { matchLabels?: Record<string, string> }, labels: Pod['labels']): boolean {
  return Object.entries(selector.matchLabels ?? {}).every(([key, value]) => labels[key] === value);
}
