import { type DefinitionError, defineDependency } from '@mcp/contracts';
import { describe, expect, it } from 'vitest';
import { dependencies, type KnownDependency } from '../index.ts';

const NAMES = Object.keys(dependencies) as KnownDependency[];
const { manifest } = dependencies.nats;
const faultOf = (change: object): string => {
  try {
    defineDependency({ ...manifest, ...change });
  } catch (error) {
    return (error as DefinitionError).message;
  }
  throw new Error('it fits');
};

describe('the table of dependencies', () => {
  it.each(NAMES)('%s stands under its own name, with ports of its own', (name) => {
    expect(dependencies[name].manifest.name).toBe(name);
    const others = NAMES.filter((other) => other !== name).flatMap(
      (other) => dependencies[other].manifest.ports,
    );
    for (const { number } of dependencies[name].manifest.ports)
      expect(others.map((port) => port.number)).not.toContain(number);
  });

  it.each(NAMES)('%s says the same at each start, and has no secret in what it writes', (name) => {
    const place = {
      ports: Object.fromEntries(dependencies[name].manifest.ports.map((port) => [port.name, port.number])),
      config_dir: '/etc/it',
      data_dir: '/data',
      durable: true,
      password: 'a-password-of-a-test',
    };
    const started = dependencies[name].start(place);
    expect(dependencies[name].start(place)).toEqual(started);
    expect(JSON.stringify([started.files, started.args])).not.toContain(place.password);
  });
});

describe('a manifest that does not fit is refused, with rule, value and way out', () => {
  const { runs, local } = manifest;
  it.each<[string, object, string]>([
    [
      'a probe of no port',
      { runs: { ...runs, probes: { ...runs?.probes, port: 'helath' } } },
      'runs.probes.port: helath is no port of it: there are client, monitor, cluster, link',
    ],
    [
      'a local port of no port',
      { local: { ...local, ports: ['http'] } },
      'local.ports: http is no port of it: there are client, monitor, cluster, link',
    ],
    [
      'two ports of one name',
      { ports: [...manifest.ports, manifest.ports[0]] },
      'ports: two have one name: give each its own',
    ],
    [
      'an image that may change under its name',
      { runs: { ...runs, image: 'docker.io/library/nats:latest' } },
      'runs.image: must name a registry and a fixed tag or digest, such as docker.io/library/nats:2.15.2',
    ],
    [
      'an image of nobody knows where',
      { runs: { ...runs, image: 'nats:2.15.2' } },
      'runs.image: must name a registry and a fixed tag or digest, such as docker.io/library/nats:2.15.2',
    ],
    [
      'a Secret that could be somebody else’s',
      { secrets: [{ for: 'itself', object: 'nats', key: 'password', made: 'random' }] },
      'secrets.0.object: must be a Secret such as mcp-nats-link',
    ],
  ])('%s', (_, change, fault) => {
    expect(faultOf(change)).toBe(`The manifest of the dependency nats does not fit:\n  ${fault}`);
  });
});
