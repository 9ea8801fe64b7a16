import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { Stack } from '@mcp/stacks';
import type { KubernetesObject } from './objects.ts';
import { get, kubectl, makeNamespace, removeNamespace } from './support.ts';

const MADE = 'mcp.platform/volumes-of';
/** Folders of the node; what is in them goes with the volumes. */
const FOLDER = join(tmpdir(), 'mcp-cluster-volumes');
const DEFAULT = 'storageclass.kubernetes.io/is-default-class';

interface Claim {
  readonly namespace: string;
  readonly name: string;
  readonly size: string;
}

interface ClaimSpec {
  readonly resources: { readonly requests: { readonly storage: string } };
}

interface StatefulSetSpec {
  readonly replicas: number;
  readonly volumeClaimTemplates?: readonly {
    readonly metadata: { readonly name: string };
    readonly spec: ClaimSpec;
  }[];
}

const sizeOf = ({ resources }: ClaimSpec) => resources.requests.storage;

/** Every claim that objects make, by themselves or by the pods of their StatefulSets. */
function claimsOf(objects: readonly KubernetesObject[]): Claim[] {
  return objects.flatMap(({ kind, metadata, spec }) => {
    const namespace = metadata.namespace ?? '';
    if (kind === 'PersistentVolumeClaim')
      return [{ namespace, name: metadata.name, size: sizeOf(spec as unknown as ClaimSpec) }];
    if (kind !== 'StatefulSet') return [];
    const { replicas, volumeClaimTemplates = [] } = spec as unknown as StatefulSetSpec;
    return volumeClaimTemplates.flatMap((template) =>
      Array.from({ length: replicas }, (_, at) => ({
        namespace,
        name: `${template.metadata.name}-${metadata.name}-${at}`,
        size: sizeOf(template.spec),
      })),
    );
  });
}

/**
 * Volumes for the claims of a stack's objects where no StorageClass makes them: folders of the one node there is. Does
 * nothing on a cluster with a default one. Gives how to take them away, once their claims are gone.
 */
export async function volumesFor(
  stack: Stack,
  objects: readonly KubernetesObject[],
): Promise<() => Promise<void>> {
  interface Class {
    readonly metadata: { readonly annotations?: Readonly<Record<string, string>> };
  }
  const { items } = await get<{ items: Class[] }>(['storageclasses']);
  if (items.some(({ metadata }) => metadata.annotations?.[DEFAULT] === 'true')) return async () => undefined;
  const { repository, tag } = stack.kubernetes.images;
  const namespace = `mcp-volumes-${stack.name}`;
  const claims = claimsOf(objects);
  const folders = JSON.stringify(claims.map(folderOf));
  const run = async (name: string, each: string) => {
    const script = `const fs = require('fs'); for (const path of ${folders}) { ${each} }`;
    const pod = podOf({ name, namespace }, `${repository}/core:${tag}`, script);
    await kubectl(['apply', '--filename', '-'], JSON.stringify(pod));
    const done = ['--for=jsonpath={.status.phase}=Succeeded', '--timeout=150s'];
    await kubectl(['wait', 'pod', name, '--namespace', namespace, ...done]);
  };
  const remove = () =>
    kubectl(['delete', 'persistentvolumes', '--selector', `${MADE}=${stack.name}`, '--wait=true']);
  await makeNamespace(namespace);
  // Those of a run that was killed.
  await remove();
  const empty = 'fs.rmSync(path, { recursive: true, force: true });';
  // The API server's fsGroup does not reach folders of the node.
  await run('make', `${empty} fs.mkdirSync(path); fs.chmodSync(path, 0o777);`);
  const volumes = claims.map((claim) => volumeOf(stack.name, claim));
  await kubectl(
    ['apply', '--filename', '-'],
    JSON.stringify({ apiVersion: 'v1', kind: 'List', items: volumes }),
  );
  return async () => {
    await remove();
    await run('remove', empty);
    await removeNamespace(namespace);
  };
}

const folderOf = ({ namespace, name }: Claim) => `${FOLDER}/${namespace}-${name}`;

function podOf(metadata: { name: string; namespace: string }, image: string, script: string): object {
  const container = {
    name: 'folders',
    image,
    imagePullPolicy: 'IfNotPresent',
    command: ['node', '--eval', script],
    volumeMounts: [{ name: 'node', mountPath: FOLDER }],
  };
  return {
    apiVersion: 'v1',
    kind: 'Pod',
    metadata,
    spec: {
      restartPolicy: 'Never',
      securityContext: { runAsUser: 0 },
      containers: [container],
      volumes: [{ name: 'node', hostPath: { path: FOLDER, type: 'DirectoryOrCreate' } }],
    },
  };
}

function volumeOf(stack: string, claim: Claim): object {
  const { namespace, name, size } = claim;
  return {
    apiVersion: 'v1',
    kind: 'PersistentVolume',
    metadata: { name: `${namespace}-${name}`, labels: { [MADE]: stack } },
    spec: {
      capacity: { storage: size },
      accessModes: ['ReadWriteOnce'],
      persistentVolumeReclaimPolicy: 'Retain',
      hostPath: { path: folderOf(claim) },
      claimRef: { apiVersion: 'v1', kind: 'PersistentVolumeClaim', namespace, name },
    },
  };
}
