/** What services, dependencies and settings may say of themselves; a refusal has the rule, the place and the way out. */
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { z } from 'zod';
import {
  copyOf,
  define,
  defineDependency,
  defineManifest,
  onlyWith,
  Secret,
  Setting,
  Settings,
} from '../src/index.ts';
import { Cpu, DependencyName, Memory } from '../src/tables/manifest.ts';
import { expectAccepted, expectRefused, withAt } from './support.ts';

const size = { cpu_request: '250m', cpu_limit: '2', memory_request: '512Mi', memory_limit: '2Gi' };
type Manifest = Parameters<typeof defineManifest>[0];
const service: Manifest = {
  name: 'core',
  summary: 'Conversations.',
  port: 7001,
  entry: ['apps', 'core', 'src', 'main.ts'].join('/'),
  calls: ['model-gateway'],
  speaks_for: 'granted',
  needs: ['nats'],
  bus: { streams: { MCP_X: ['mcp.x.>'] }, buckets: ['x'] },
  egress: [],
  public: false,
  size,
  scaling: { on: 'cpu', min: 2, max: 4, target_percent: 70 },
  slo: { p95_ms: 100, error_ratio: 0.01 },
  drain_s: 30,
};
const probe = { period_s: 5 };
type Dependency = Parameters<typeof defineDependency>[0];
const dependency: Dependency = {
  name: 'nats',
  summary: 'The event bus.',
  presence: 'required',
  ports: [
    { name: 'client', number: 4222, from: ['users'] },
    { name: 'http', number: 8222, from: [], http: true },
  ],
  secrets: [{ for: 'user', object: 'mcp-nats', key: 'password', made: 'random' }],
  runs: {
    image: 'docker.io/library/nats:2.15.2',
    size,
    replicas: [1, 3],
    probes: { port: 'http', startup: { ...probe, failures: 10 }, readiness: probe, liveness: probe },
    grace_s: 60,
    metrics: { port: 'http' },
  },
  local: {
    program: 'nats-server',
    what: 'the event bus',
    homepage: 'https://nats.io',
    ports: ['client'],
    greeting: { begins: 'INFO', contains: 'jetstream', otherwise: 'something else' },
    scheme: 'nats',
  },
};

const path = (text: string) => text.split('.').map((part) => (/^\d+$/.test(part) ? Number(part) : part));
const serviceWith = (at: string, value: unknown) => withAt(service, path(at), value) as Manifest;
const dependencyWith = (at: string, value: unknown) => withAt(dependency, path(at), value) as Dependency;

describe('the manifest of a service', () => {
  it('is taken, with what it need not say', () => {
    expect(defineManifest(service)).toMatchObject({
      ...service,
      weights: false,
      bus: { ...service.bus, objects: [], shared: [], publishes: [], subscribes: [] },
    });
  });

  it.each<[string, readonly unknown[], readonly unknown[]]>([
    ['port', [1024, 65_535], [0, 80, 1023, 65_536, 7001.5, '7001']],
    ['drain_s', [1, 300], [0, 301, 1.5]],
    ['speaks_for', ['anyone', 'granted', 'itself'], ['nobody', undefined]],
    ['calls', [[], ['gateway']], [['console'], 'core', undefined]],
    ['needs', [[], ['vector-database']], [['NATS'], ['a b'], ['']]],
    ['egress', [['model-backends', 'identity-provider', 'log-archive', 'kms', 'moderation']], [['internet']]],
    [
      'volume',
      [undefined, { size_gib: 1, where: 'always' }],
      [{ size_gib: 0, where: 'always' }, { size_gib: 1.5, where: 'always' }, { size_gib: 1 }, {}],
    ],
    ['size.cpu_limit', ['1', '1500m'], ['1.5', '1 m', 'm', 2, '']],
    ['size.memory_limit', ['1Mi', '64Gi'], ['1G', '512', '1.5Gi', 'Gi', '']],
    ['slo.error_ratio', [0, 1], [-0.1, 1.1]],
    ['slo.p95_ms', [0.1, 1e6], [0, -1]],
    [
      'scaling',
      [
        { on: 'fixed', replicas: 1 },
        { on: 'queue', min: 0, max: 1, target_messages: 1, stream: 's', consumer: 'c' },
      ],
      [{ on: 'fixed', replicas: 0 }, { on: 'cpu', min: 0, max: 1, target_percent: 70 }, { on: 'mood' }],
    ],
    ['scaling.target_percent', [1, 100], [0, 101]],
  ])('has a %s within its bounds', (at, right, wrong) => {
    for (const value of right) expect(() => defineManifest(serviceWith(at, value))).not.toThrow();
    for (const value of wrong)
      expect(() => defineManifest(serviceWith(at, value)), JSON.stringify(value)).toThrow(
        `The manifest of core does not fit:\n  ${at}`,
      );
  });

  it('that does not fit is told with every fault at once, and no trace of the stack', () => {
    const faulty = {
      ...service,
      port: 80,
      drain_s: 0,
      size: { ...size, cpu_limit: 'two', memory_limit: '2G' },
    };
    const caught = (() => {
      try {
        return defineManifest(faulty);
      } catch (error) {
        return error;
      }
    })();
    expect(caught).toMatchObject({ name: 'DefinitionError' });
    const { message, stack } = caught as Error;
    expect(message.split('\n')).toHaveLength(5);
    expect(message).toContain('size.cpu_limit: must be a CPU quantity such as 250m or 2');
    expect(message).toContain('size.memory_limit: must be a memory quantity such as 512Mi or 2Gi');
    expect(stack).toBe(`DefinitionError: ${message}`);
  });
});

it('quantities and names are these texts and no others', () => {
  const near = fc.stringMatching(/^[0-9]{0,4}[.]?[0-9]?(m|Mi|Gi|G|)$/);
  fc.assert(
    fc.property(near, (text) => {
      expect(Cpu.safeParse(text).success).toBe(/^\d+m?$/.test(text));
      expect(Memory.safeParse(text).success).toBe(/^\d+(Mi|Gi)$/.test(text));
    }),
  );
  fc.assert(
    fc.property(fc.stringMatching(/^[a-zA-Z0-9_-]{0,34}$/), (text) => {
      expect(DependencyName.safeParse(text).success).toBe(/^[a-z][a-z0-9-]{0,30}$/.test(text));
    }),
  );
});

it('a copy of a bucket has the name of its region, so that two are never one', () => {
  const name = fc.stringMatching(/^[a-z]{1,8}$/);
  fc.assert(
    fc.property(name, name, name, (bucket, one, other) => {
      expect(copyOf(bucket, one) === copyOf(bucket, other)).toBe(one === other);
      expect(copyOf(bucket, one)).not.toBe(bucket);
    }),
  );
});

describe('the manifest of a dependency', () => {
  it('is taken, with what it need not say', () => {
    const { ports, egress } = defineDependency(dependency);
    expect(ports[0]).toEqual({ name: 'client', number: 4222, from: ['users'], http: false });
    expect(egress).toEqual([]);
  });

  it.each<[string, readonly unknown[], readonly unknown[]]>([
    ['ports.0.number', [1024, 65_535], [1023, 65_536]],
    ['ports.0.from', [[], ['users', 'replicas', 'monitoring', 'autoscaler', 'regions']], [['world']]],
    [
      'runs.image',
      ['ghcr.io/a/b:1', `docker.io/library/x@sha256:${'0'.repeat(64)}`, 'localhost:5000/x/y:1.2-a_b'],
      [
        'nats:2.15.2',
        'docker.io/library/nats',
        'docker.io/library/nats:latest',
        `docker.io/library/nats@sha256:${'0'.repeat(63)}`,
        'DOCKER.io/a/b:1',
        'docker.io/a/b:',
      ],
    ],
    ['runs.replicas', [[1], [1, 3, 5]], [[], [0], [1.5]]],
    ['runs.grace_s', [1, 300], [0, 301]],
    ['runs.linger_s', [undefined, 1, 60], [0, 61]],
    ['runs.config_dir', [undefined, '/etc/nats'], ['etc/nats']],
    ['runs.volume', [undefined, { dir: '/data' }], [{ dir: 'data' }, { dir: '/data', size: 1 }]],
    ['runs.probes.readiness.path', [undefined, '/healthz'], ['healthz']],
    ['runs.probes.startup.failures', [1], [0]],
    ['secrets.0.object', ['mcp-nats-link'], ['nats', 'mcp-', 'mcp-nats-', 'mcp-NATS']],
    ['local.homepage', ['https://nats.io'], ['nats.io']],
    ['presence', ['required', 'optional'], ['maybe']],
  ])('has a %s within its bounds', (at, right, wrong) => {
    for (const value of right)
      expect(() => defineDependency(dependencyWith(at, value)), JSON.stringify(value)).not.toThrow();
    for (const value of wrong)
      expect(() => defineDependency(dependencyWith(at, value)), JSON.stringify(value)).toThrow(
        `The manifest of the dependency nats does not fit:\n  ${at}`,
      );
  });

  it.each([
    ['runs.probes.port', 'admin'],
    ['runs.metrics.port', 'admin'],
    ['local.ports', ['client', 'admin']],
  ])('names only ports that it has in %s, and is told which there are', (at, value) => {
    expect(() => defineDependency(dependencyWith(at, value))).toThrow(
      `${at}: admin is no port of it: there are client, http`,
    );
  });

  it('gives each port a name of its own', () => {
    expect(() => defineDependency(dependencyWith('ports.1.name', 'client'))).toThrow(
      /ports: two have one name/,
    );
  });

  it('has no field that nobody reads', () => {
    expect(() => defineDependency(dependencyWith('extra', 1))).toThrow(/extra/);
    expect(() => defineDependency(dependencyWith('runs.extra', 1))).toThrow(/extra/);
  });
});

describe('a setting', () => {
  const setting = { schema: z.string(), meaning: 'What it is.' };
  const secret = { object: 'mcp-provenance', key: 'secret', made: { by: 'random', name: 'provenance' } };
  it.each<[string, object]>([
    ['nothing but its schema and meaning', setting],
    ['a field of the stack', { ...setting, from: 'stack.limits.max_tokens' }],
    ['a secret', { ...setting, secret }],
    ['an operator who may say it', { ...setting, operator: true }],
    ['others that it requires', { ...setting, requires: ['MCP_A', 'MCP_B'], only_with: 'MCP_C' }],
  ])('has %s', (_, row) => expectAccepted(Setting, row));

  it.each<[string, object, string]>([
    ['a schema that is none', { ...setting, schema: 'text' }, 'schema: must be a zod schema'],
    ['no meaning', { ...setting, meaning: '' }, 'meaning'],
    ['a source that there is not', { ...setting, from: 'env.X' }, 'from'],
    [
      'a secret and a field of the stack',
      { ...setting, secret, from: 'at.x' },
      'from: a secret has no field of the stack: say how it is made',
    ],
    [
      'a secret that an operator says',
      { ...setting, secret, operator: true },
      'operator: a secret is not given as an operator variable',
    ],
    [
      'what is never shown and an operator says',
      { ...setting, sensitive: true, operator: true },
      'operator: a secret is not given',
    ],
    [
      'a variable in small letters',
      { ...setting, requires: ['mcp_a'] },
      'requires.0: must be a variable such as',
    ],
    ['a field that nobody reads', { ...setting, default: 1 }, 'default'],
  ])('is refused with %s', (_, row, fault) => expectRefused(Setting, row, fault));

  it.each<[string, object, string]>([
    ['outside the platform', { object: 'other' }, 'must be the name of a Secret such as mcp-provenance'],
    ['with a key of blanks', { key: 'a b' }, 'key'],
    ['made in a way that there is not', { made: { by: 'magic' } }, 'made.by'],
    ['made at random without a name', { made: { by: 'random', name: '' } }, 'made.name'],
    ['that is a hash of nothing', { made: { by: 'sha256' } }, 'made.of'],
  ])('has no secret %s', (_, change, fault) => expectRefused(Secret, { ...secret, ...change }, fault));

  it.each(['mcp_x', 'MCP-X', '1MCP', '', 'MCP X'])('is not called %j', (name) => {
    expect(Settings.safeParse({ [name]: setting }).success).toBe(false);
    expect(Settings.safeParse({ MCP_X1: setting }).success).toBe(true);
  });

  it('that is given only with another variable keeps the rest of what it says', () => {
    const settings = { MCP_A: { ...setting, operator: true }, MCP_B: setting } as const;
    expect(onlyWith('MCP_Z', settings)).toEqual({
      MCP_A: { ...settings.MCP_A, only_with: 'MCP_Z' },
      MCP_B: { ...settings.MCP_B, only_with: 'MCP_Z' },
    });
  });
});

it('what is written in code is told by its place, or as a whole', () => {
  const schema = z.object({ a: z.number() }).refine(({ a }) => a < 5, 'is too much');
  expect(define('It', schema, { a: 1 })).toEqual({ a: 1 });
  expect(() => define('The plan', schema, { a: 7 })).toThrow('The plan does not fit:\n  it: is too much');
  expect(() => define('The plan', schema, {} as { a: number })).toThrow('The plan does not fit:\n  a: ');
});
