import { mkdtempSync, readFileSync, rmSync, statSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { AssetStore, assetTable } from '@mcp/assets';
import { runHere, services, stacks } from '@mcp/stacks';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { loaderOf, stageWeights } from '../programs/images.ts';
import { buildArgumentsOf, weightsOf } from '../weights.ts';
import { objectsOf, podsOf, record, STACKS } from './stacks.ts';

const stackNamed = (name: string) => {
  const stack = stacks[name];
  if (stack === undefined) throw new Error(`there is no stack ${name}`);
  return structuredClone(stack);
};

describe.each(STACKS)('the weights of the stack %s', (name) => {
  it('are those of every embedded model, whatever their order, under a name made of their checksums', () => {
    const stack = stackNamed(name);
    const weights = weightsOf(stack);
    expect(weights?.assets).toEqual(
      stack.models
        .filter(({ backend }) => backend === 'embedded')
        .map(({ asset }) => asset)
        .sort(),
    );
    expect(weights?.reference).toMatch(
      new RegExp(`^${stack.kubernetes.images.repository}/weights:[0-9a-f]{12}$`),
    );
    stack.models.reverse();
    expect(weightsOf(stack)).toEqual(weights);
    stack.models.pop();
    expect(weightsOf(stack)?.reference).not.toBe(weights?.reference);
    expect(weightsOf({ ...stack, models: [] })).toBeUndefined();
  });

  it('are below the image of what runs models, and of nothing else', () => {
    const stack = stackNamed(name);
    for (const placement of stack.services) {
      const { WEIGHTS } = buildArgumentsOf(stack, placement);
      expect(WEIGHTS, placement.service).toBe(
        services[placement.service].weights ? weightsOf(stack)?.reference : undefined,
      );
    }
    const beside = { service: 'gateway', in_process: ['core', 'model-gateway'] } as const;
    expect(buildArgumentsOf(stack, { ...beside, in_process: [...beside.in_process] })).toEqual({
      SERVICE: 'gateway',
      IN_PROCESS: 'core model-gateway',
      WEIGHTS: weightsOf(stack)?.reference,
    });
  });

  it('are fetched by no pod', async () => {
    const pods = podsOf(objectsOf((await record(name)).resources));
    expect(pods.flatMap(({ spec }) => spec.initContainers ?? [])).toEqual([]);
  });
});

describe('staging', () => {
  // The models that `npm test` has fetched; the large one is left out.
  const small = {
    ...stackNamed('local'),
    models: stackNamed('local').models.filter(({ background }) => !background),
  };
  const weights = weightsOf(small);
  let dir: string;
  beforeEach(() => {
    dir = mkdtempSync(join(tmpdir(), 'mcp-weights-'));
  });
  afterEach(() => rmSync(dir, { recursive: true, force: true }));

  it('puts every file where a pod looks for it, readable by its user', async () => {
    if (weights === undefined) throw new Error('the stack local embeds no model');
    await stageWeights(new AssetStore(), weights, join(dir, 'stage'));
    const inside = new AssetStore({ cache_dir: join(dir, 'stage'), env: {} });
    for (const { id, files } of assetTable.filter((one) => weights.assets.includes(one.id)))
      for (const { name, size_bytes } of files) {
        const path = files.length === 1 ? inside.expected(id) : join(inside.expected(id), name);
        expect(statSync(path)).toMatchObject({ size: size_bytes });
        expect(statSync(path).mode & 0o004).toBe(0o004);
      }
    expect(readFileSync(join(dir, 'stage', 'Dockerfile'), 'utf8')).toBe(
      'FROM scratch\nCOPY assets /models/assets\n',
    );
  });
});

describe('a cluster is given an image', () => {
  it.each([
    [{ context: 'kind-mcp', kubelet_version: 'v1.34.0' }, 'kind load docker-image --name mcp'],
    [{ context: 'k3d-one', kubelet_version: 'v1.34.1+k3s1' }, 'k3d image import --cluster one'],
    [{ context: 'minikube', kubelet_version: 'v1.34.0' }, 'minikube image load'],
    [
      { context: 'default', kubelet_version: 'v1.34.1+k3s1' },
      `sh -c 'docker save "$0" | sudo k3s ctr --namespace k8s.io images import -'`,
    ],
    [{ context: 'arn:aws:eks:eu-central-1:1:cluster/x', kubelet_version: 'v1.34.0-eks-1' }, undefined],
  ])('as its kind wants it: %j', (kind, command) => {
    expect(loaderOf(kind, 'docker')).toBe(command);
  });
});

it('the event bus is the same version in clusters and on one machine, but for the patch', () => {
  const minorOf = (text: string) => /[:=](\d+\.\d+)\.\d+$/.exec(text)?.[1] ?? `no version in ${text}`;
  const wheels = assetTable
    .filter(({ id }) => id === 'nats-server')
    .flatMap(({ files }) => files.flatMap(({ sources }) => sources))
    .flatMap((source) => (source.from === 'pip' ? [minorOf(source.requirement)] : []));
  const images = Object.values(stacks).map((stack) => minorOf(runHere(stack, 'nats')?.image ?? ''));
  expect(new Set([...wheels, ...images]).size).toBe(1);
});
