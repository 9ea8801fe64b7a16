import { join } from 'node:path';
import { isDeepStrictEqual } from 'node:util';
import { paramsOf, RULES, violationsOf } from '@mcp/policies';
import { ADDONS, defineStack, type Stack, services, stacks } from '@mcp/stacks';
import { beforeAll, describe, expect, it } from 'vitest';
import { policySettings } from '../charts/namespace/policies.ts';
import type { Recording } from '../kit/record.ts';
import { dumpOf, EXPECTED, expectedOf } from './dump.ts';
import {
  GIVEN,
  type KubernetesObject,
  objectsOf,
  podsOf,
  record,
  STACKS,
  selects,
  spellingsOf,
} from './stacks.ts';

interface PolicySpec {
  readonly podSelector: { matchLabels?: Record<string, string> };
  readonly policyTypes: readonly string[];
  readonly ingress?: readonly object[];
  readonly egress?: readonly { to?: readonly { ipBlock?: { cidr: string } }[] }[];
}

interface IngressRule {
  readonly from?: readonly object[];
  readonly ports?: readonly { port: number }[];
}

describe.each(STACKS)('the program with the stack %s', (stack) => {
  let recording: Recording;
  let objects: KubernetesObject[];
  beforeAll(async () => {
    recording = await record(stack);
    objects = objectsOf(recording.resources);
  }, 60_000);

  const policies = () =>
    objects.filter(({ kind }) => kind === 'NetworkPolicy').map((one) => one.spec as unknown as PolicySpec);

  it('registers what the dump says', async () => {
    const dump = dumpOf(recording.resources);
    for (const [path, text] of dump) await expect(text).toMatchFileSnapshot(join(EXPECTED, stack, path));
    const left = [...expectedOf(stack).keys()].filter((path) => !dump.has(path));
    expect(left, 'of nothing that the program makes: delete them').toEqual([]);
  });

  it('names every resource once, by its type and name', () => {
    const urns = recording.resources.map(({ type, name }) => `${type}::${name}`);
    expect(new Set(urns).size).toBe(urns.length);
  });

  it('selects every pod by a policy of its own beside the default-deny', () => {
    for (const { owner, labels } of podsOf(objects)) {
      const own = policies().filter(
        ({ podSelector }) => podSelector.matchLabels !== undefined && selects(podSelector, labels),
      );
      expect(own.length, `${owner.kind} ${owner.metadata.name}`).toBeGreaterThan(0);
    }
    const deny = policies().filter(({ podSelector }) => isDeepStrictEqual(podSelector, {}));
    expect(deny).toHaveLength(stacks[stack]?.regions.length ?? 0);
    for (const { ingress, egress, policyTypes } of deny)
      expect({ ingress, egress, policyTypes }).toEqual({ policyTypes: ['Egress', 'Ingress'] });
  });

  it('lets only those out of the cluster for whom the stack has something there', () => {
    const reaching = objects.filter(
      ({ kind, spec }) =>
        kind === 'NetworkPolicy' &&
        (spec as unknown as PolicySpec).egress?.some(({ to }) =>
          to?.some(({ ipBlock }) => ipBlock !== undefined),
        ),
    );
    // No shipped stack has an identity provider or models of servers elsewhere (egress.test.ts).
    const declared: string[] = [];
    const { regions, kubernetes } = stacks[stack] ?? {};
    // Event buses and witnesses of regions in different clusters meet outside; a collector that exports does so too.
    if (new Set(regions?.map(({ kube_context }) => kube_context)).size > 1)
      declared.push('nats', 'transparency-log');
    if ((kubernetes?.egress.otlp.length ?? 0) > 0) declared.push('collector');
    if (kubernetes?.database === 'external') declared.push('core');
    expect([...new Set(reaching.map(({ metadata }) => metadata.name))].sort()).toEqual(declared.sort());
  });

  it('shows no secret in any object, output or environment', () => {
    const text = JSON.stringify(recording);
    for (const value of [...spellingsOf(Object.values(GIVEN)), 'made-up-', btoa('made-up-')])
      expect(text).not.toContain(value);
    for (const { owner, spec } of podsOf(objects))
      for (const { env } of spec.containers)
        for (const { name, value } of env ?? [])
          if (/TOKEN$|SECRET|PASSWORD|_KEY|DATABASE_URL|NATS_URL/.test(name) && value !== undefined)
            expect(value, `${owner.metadata.name} ${name}`).toMatch(/^$|\$\(\w+\)/);
  });

  it('lets monitoring to the metrics of a pod and to nothing else of it', () => {
    const { monitoring_namespace, metrics_port } = stacks[stack]?.kubernetes ?? {};
    const open = objects
      .filter(({ kind }) => kind === 'NetworkPolicy')
      .flatMap(({ metadata, spec }) =>
        ((spec as unknown as { ingress?: IngressRule[] }).ingress ?? [])
          .filter(({ from = [] }) => JSON.stringify(from).includes(`"${monitoring_namespace}"`))
          .flatMap(({ ports = [] }) => ports.map(({ port }) => ({ name: metadata.name, port }))),
      );
    for (const { name } of stacks[stack]?.services.map(({ service }) => services[service]) ?? [])
      expect(new Set(open.filter((one) => one.name === name).map(({ port }) => port))).toEqual(
        new Set([metrics_port]),
      );
    for (const { owner, spec, annotations } of podsOf(objects)) {
      const port = Number(annotations?.['prometheus.io/port']);
      if (Number.isNaN(port)) continue;
      const named = spec.containers
        .flatMap(({ ports }) => ports ?? [])
        .find(({ name }) => name === 'metrics');
      expect(named?.containerPort, owner.metadata.name).toBe(port);
    }
  });

  it('breaks no rule of the policies, which is written down for audit bundles', async () => {
    const settings = stacks[stack]?.kubernetes;
    if (settings === undefined) throw new Error(`there is no stack ${stack}`);
    const violations = violationsOf(objects, paramsOf(policySettings(settings)));
    expect(violations).toEqual([]);
    // What audit bundles say of the stacks as they were shipped.
    const results = { stack, rules: RULES.map(({ name }) => name), violations };
    await expect(`${JSON.stringify(results, null, 2)}\n`).toMatchFileSnapshot(
      join(import.meta.dirname, '..', '..', 'apps', 'governance', 'policy-results', `${stack}.json`),
    );
  });

  it('runs every container without privileges', () => {
    for (const { owner, spec } of podsOf(objects)) {
      expect(spec.securityContext, owner.metadata.name).toMatchObject({
        runAsNonRoot: true,
        seccompProfile: { type: 'RuntimeDefault' },
      });
      expect(spec.automountServiceAccountToken, owner.metadata.name).toBe(false);
      for (const container of [...spec.containers, ...(spec.initContainers ?? [])]) {
        expect(container.securityContext).toMatchObject({
          allowPrivilegeEscalation: false,
          readOnlyRootFilesystem: true,
          capabilities: { drop: ['ALL'] },
        });
        expect(container.resources).toMatchObject({
          requests: { cpu: expect.any(String), memory: expect.any(String) },
          limits: { cpu: expect.any(String), memory: expect.any(String) },
        });
      }
    }
  });

  it('gives every service its probes, drain and pinned image', () => {
    for (const { owner, spec } of podsOf(objects).filter((pod) => pod.owner.kind === 'Deployment')) {
      const container = spec.containers[0];
      for (const probe of ['startupProbe', 'readinessProbe', 'livenessProbe'])
        expect(container?.[probe], `${owner.metadata.name} ${probe}`).toBeDefined();
      expect(container?.image).toMatch(
        stacks[stack]?.kubernetes.images.build === true ? /@sha256:/ : /:(?!latest)[\w.-]+$/,
      );
    }
  });

  it('has a budget for whatever runs more than once', () => {
    const budgets = objects.filter(({ kind }) => kind === 'PodDisruptionBudget');
    for (const { owner, labels } of podsOf(objects).filter(
      ({ owner: one }) => Number(one.spec?.replicas) > 1,
    ))
      expect(
        budgets.some(({ spec }) =>
          selects((spec as { selector: { matchLabels: Record<string, string> } }).selector, labels),
        ),
        owner.metadata.name,
      ).toBe(true);
  });

  it('names the endpoints of every region, and no key', () => {
    const regions = stacks[stack]?.regions.map(({ name }) => name);
    expect(Object.keys(recording.outputs.endpoints as object)).toEqual(regions);
    expect(Object.values(recording.outputs.admin_key_command as object)).toEqual(
      regions?.map(() => expect.stringContaining('get secret mcp-admin-key')),
    );
  });

  it('gives no role more than its own namespace and reading outside of it, and none the right to give rights', () => {
    for (const { kind, rules, metadata } of objects.filter((one) => /^(Cluster)?Role$/.test(one.kind)))
      for (const { verbs, resources, apiGroups } of (rules ?? []) as {
        verbs: string[];
        resources: string[];
        apiGroups: string[];
      }[]) {
        expect([...verbs, ...resources, ...apiGroups], metadata.name).not.toContain('*');
        expect(verbs).not.toEqual(
          expect.arrayContaining([expect.stringMatching(/escalate|bind|impersonate/)]),
        );
        if (kind === 'ClusterRole') expect(verbs).toEqual(['get', 'list', 'watch']);
        if (kind === 'ClusterRole' || metadata.name === 'mcp-viewer')
          expect(resources).not.toContain('secrets');
      }
  });
});

it.each(STACKS)(
  'makes the same of %s, whatever the order of its rows',
  async (stack) => {
    const expected = dumpOf((await record(stack)).resources);
    const reversed = await record(stack, { ...GIVEN }, (fresh) => {
      const { services, models, regions, kubernetes } = fresh[stack] as Stack;
      for (const list of [services, models, regions, ...Object.values(kubernetes.egress)]) list.reverse();
    });
    const made = dumpOf(reversed.resources);
    expect([...made.keys()].sort()).toEqual([...expected.keys()].sort());
    expect([...made].filter(([path, text]) => expected.get(path) !== text).map(([path]) => path)).toEqual([]);
  },
  60_000,
);

it('names what a cluster has once after the cluster, whichever regions are in it', async () => {
  const { resources } = await record('multi-region');
  const [cluster] = resources.filter(({ type }) => type === 'mcp:platform:Cluster');
  expect(cluster?.name).toBe('cluster-current');
  for (const object of objectsOf(resources).filter(({ kind }) => kind === 'ConstraintTemplate'))
    expect(Object.keys(object.metadata.labels ?? {})).not.toContain('mcp.platform/region');
});

it('uses a managed event bus where the stack names one', async () => {
  const { resources, outputs } = await record('dev', { ...GIVEN }, ({ dev }) => {
    if (dev === undefined) throw new Error('there is no stack dev');
    dev.nats.external_url = 'tls://bus.example.com:4222';
  });
  const objects = objectsOf(resources);
  expect(objects.filter(({ kind }) => kind === 'StatefulSet')).toEqual([]);
  expect(outputs.endpoints).toMatchObject({ dev: { nats: 'tls://bus.example.com:4222' } });
  const pods = podsOf(objects).filter(({ spec }) =>
    spec.containers.some(({ env }) => env?.some(({ name }) => name === 'MCP_NATS_URL')),
  );
  expect(pods.map(({ owner }) => owner.metadata.name).sort()).toEqual(
    expect.arrayContaining(['gateway', 'task-engine']),
  );
  for (const { labels, spec } of pods) {
    const url = spec.containers[0]?.env?.find(({ name }) => name === 'MCP_NATS_URL')?.value;
    expect(url).toMatch(/^tls:\/\/[\w-]+:\$\(NATS_PASSWORD\)@bus\.example\.com:4222$/);
    const policy = objects.find(
      ({ kind, metadata }) =>
        kind === 'NetworkPolicy' && metadata.name === labels['app.kubernetes.io/component'],
    );
    expect(JSON.stringify(policy?.spec)).toMatch(/"port":4222,"protocol":"TCP"\}\],"to":\[\{"ipBlock"/);
  }
});

it('makes the certificates of linked regions where nobody gives them', async () => {
  const { resources } = await record('multi-region', {});
  expect(resources.some(({ type, name }) => type.endsWith(':RandomPassword') && name === 'nats-tls')).toBe(
    true,
  );
  const secrets = objectsOf(resources).filter(({ metadata }) => metadata.name === 'mcp-nats-tls');
  expect(secrets.map(({ metadata }) => metadata.namespace)).toEqual(['mcp-local-eu', 'mcp-local-us']);
  for (const { data } of secrets)
    expect(Object.keys(data as object)).toEqual(['ca.crt', 'tls.crt', 'tls.key']);
});

describe('a stack with an external database', () => {
  const { dev } = stacks;
  if (dev === undefined) throw new Error('there is no stack dev');

  it('is refused without a rule that lets core reach it', () => {
    const egress = { ...dev.kubernetes.egress, database: [] };
    expect(() => defineStack({ ...dev, kubernetes: { ...dev.kubernetes, egress } })).toThrow(
      /egress\.database.* is empty, but the database is external: no NetworkPolicy would let core reach it/,
    );
  });

  it.each(['dev', 'prod'])('lets core of %s out to it, and to nothing else outside', async (name) => {
    const objects = objectsOf((await record(name)).resources);
    const declared = stacks[name]?.kubernetes.egress.database ?? [];
    const policies = objects.filter(
      ({ kind, metadata }) => kind === 'NetworkPolicy' && metadata.name === 'core',
    );
    expect(policies).toHaveLength(stacks[name]?.regions.length ?? 0);
    for (const { spec } of policies)
      expect(
        (spec as unknown as PolicySpec).egress?.filter(({ to }) => to?.some(({ ipBlock }) => ipBlock)),
      ).toEqual(
        declared.map(({ cidr, port }) => ({
          to: [{ ipBlock: { cidr } }],
          ports: [{ protocol: 'TCP', port }],
        })),
      );
  });
});

describe('bad configuration', () => {
  it.each([
    [
      'an unknown stack',
      'nowhere',
      {},
      /There is no stack 'nowhere' in stacks\/. There are: local, multi-region, dev, prod/,
    ],
    [
      'a missing secret',
      'dev',
      { databaseUrl: GIVEN.databaseUrl },
      /^The stack dev needs a secret that is not set: mcp:provSecret\. Set each: /,
    ],
    [
      'missing secrets',
      'dev',
      {},
      /^The stack dev needs secrets that are not set: mcp:databaseUrl, mcp:provSecret\..*$/,
    ],
    ['a short secret', 'local', { provSecret: 'short' }, /mcp:provSecret has 5 characters, at least 32/],
    [
      'a database that no rule lets core reach',
      'dev',
      { ...GIVEN, databaseUrl: 'postgres://mcp:x@db.example.com:6432/mcp' },
      /mcp:databaseUrl \(port 6432\) is in no rule of egress\.database of the stack dev.*\{ cidr: '<its address>\/32', port: 6432 \}/,
    ],
    [
      'a database at another address',
      'dev',
      { ...GIVEN, databaseUrl: 'postgres://mcp:x@192.0.2.7/mcp' },
      /mcp:databaseUrl \(192\.0\.2\.7, port 5432\).*\{ cidr: '192\.0\.2\.7\/32', port: 5432 \}/,
    ],
    [
      'a certificate without its key',
      'prod',
      { ...GIVEN, natsTlsKey: '' },
      /^The certificate of the event buses is incomplete: mcp:natsTlsKey is not set\. /,
    ],
  ])('%s is refused before anything is planned', async (_, stack, config, message) => {
    await expect(record(stack, config)).rejects.toThrow(message);
  });
});

describe('the canary of the gateway', () => {
  const digest = `sha256:${'7'.repeat(64)}`;
  const deployment = (objects: readonly KubernetesObject[], name: string) =>
    podsOf(objects).find(({ owner }) => owner.kind === 'Deployment' && owner.metadata.name === name);
  const configOf = (objects: readonly KubernetesObject[], name: string) => {
    const container = deployment(objects, name)?.spec.containers[0];
    const env = (container?.env ?? []) as readonly { name: string; value?: string; valueFrom?: object }[];
    return {
      image: container?.image,
      data: Object.fromEntries(env.map(({ name: key, value, valueFrom }) => [key, value ?? valueFrom])),
    };
  };

  it('takes its image, flags and limits from the stack, and leaves those of the stable one alone', async () => {
    const before = objectsOf((await record('dev')).resources);
    const { resources } = await record('dev', { ...GIVEN }, ({ dev }) => {
      if (dev === undefined) throw new Error('there is no stack dev');
      Object.assign(dev.kubernetes.canary, {
        image: digest,
        features: { CRITIC_ENABLED: true },
        limits: { requests_per_minute: 7 },
      });
    });
    const objects = objectsOf(resources);
    expect(configOf(objects, 'gateway')).toEqual(configOf(before, 'gateway'));
    const stable = configOf(objects, 'gateway');
    const canary = configOf(objects, 'gateway-canary');
    expect(canary.image).toBe(`ghcr.io/multi-component-platform/mcp/gateway@${digest}`);
    expect(canary.data).toEqual({
      ...stable.data,
      CRITIC_ENABLED: 'true',
      MCP_RATE_REQUESTS_PER_MINUTE: '7',
      MCP_CORE_URL: String(stable.data.MCP_CORE_URL).replace('core:', 'core-any:'),
    });
  });

  it('is refused a tag where the stack names images by digest', () => {
    const { dev } = stacks;
    if (dev === undefined) throw new Error('there is no stack dev');
    const canary = { ...dev.kubernetes.canary, image: '0.2.0' };
    expect(() => defineStack({ ...dev, kubernetes: { ...dev.kubernetes, canary } })).toThrow(
      /canary\.image.* is the tag 0\.2\.0, but this stack names images by digest/,
    );
  });
});

describe('what Flagger promotes', () => {
  it('has a handler in every hook that the pinned Flagger knows, and its Service from the start', async () => {
    expect(ADDONS.flagger.version).toBe('1.36.1');
    const { resources } = await record('prod');
    const objects = objectsOf(resources);
    const known = new Set(['exec', 'httpGet', 'tcpSocket']);
    const pods = podsOf(objects).filter(({ labels }) => labels['app.kubernetes.io/component'] === 'core');
    expect(pods.length).toBe(stacks.prod?.regions.length);
    for (const { spec } of pods)
      for (const { lifecycle } of spec.containers as unknown as { lifecycle: Record<string, object> }[])
        for (const hook of Object.values(lifecycle))
          expect(Object.keys(hook).every((handler) => known.has(handler))).toBe(true);
    const services = objects.filter(({ kind }) => kind === 'Service').map(({ metadata }) => metadata.name);
    expect(services).toEqual(expect.arrayContaining(['core', 'core-any']));
  });
});
