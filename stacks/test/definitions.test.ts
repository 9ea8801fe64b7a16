import { DefinitionError, defineManifest, ServiceName } from '@mcp/contracts';
import { describe, expect, it } from 'vitest';
import { defineStack, type Stack, services, stacks } from '../index.ts';
import { everyService } from '../placement.ts';
import { distinct } from '../services.ts';

const prod = (): Stack => {
  const { prod: stack } = stacks;
  if (stack === undefined) throw new Error('there is no stack prod');
  return structuredClone(stack);
};
const faultOf = (make: () => unknown): DefinitionError => {
  try {
    make();
  } catch (error) {
    if (error instanceof DefinitionError) return error;
    throw error;
  }
  throw new Error('it fits');
};

const agent = (id: string, need: string): Stack['graphs'][number]['nodes'][number] => ({
  id,
  role: 'answerer',
  prompt: 'base_system',
  needs: [need],
  max_tokens: 512,
  timeout_ms: 60_000,
  retries: 2,
  optional: false,
});

describe('what does not fit is refused where it is written, with rule, value and way out', () => {
  it.each<[string, (stack: Stack) => void, string]>([
    [
      'a region with a name that is taken',
      ({ regions }) => regions.push({ ...regions[0], namespace: 'other' } as Stack['regions'][number]),
      'regions: region eu-central is named twice: give each region its own name',
    ],
    [
      'two regions in one namespace',
      ({ regions }) => regions.push({ ...regions[0], name: 'eu-west' } as Stack['regions'][number]),
      'regions: two regions share the namespace mcp of mcp-eu-central: give each region its own',
    ],
    [
      'a peer that is not there',
      ({ regions }) => regions[0]?.peers.push('mars'),
      'regions: region eu-central has the peer mars, which is not another region of this stack',
    ],
    [
      'a cyclic graph of agents',
      ({ graphs }) =>
        graphs.push({
          name: 'round',
          description: 'It goes round.',
          nodes: [agent('a', 'b'), agent('b', 'a')],
          output: ['a'],
        }),
      'graphs.0.nodes: the needs a → b → a are a cycle, in which each node would wait for itself: take one of them out',
    ],
    [
      'the port of a service for metrics',
      ({ kubernetes }) => {
        kubernetes.metrics_port = services.core.port;
      },
      'kubernetes.metrics_port: 8100 is the port of core: choose another one',
    ],
    [
      'no event bus, and services that need one',
      ({ kubernetes }) => {
        delete kubernetes.dependencies.nats;
      },
      'kubernetes.dependencies.nats: is missing, and services of this stack need it: say how much of it there is, or where it is',
    ],
    [
      'two servers of an event bus',
      ({ kubernetes }) => {
        kubernetes.dependencies.nats = { replicas: 2, storage_gib: 1 };
      },
      'kubernetes.dependencies.nats: has 2 replicas: it can have 1, 3, 5',
    ],
    [
      'an event bus that has nowhere to keep its messages',
      ({ kubernetes }) => {
        kubernetes.dependencies.nats = { replicas: 1 };
      },
      'kubernetes.dependencies.nats: has a volume: say how large (storage_gib)',
    ],
    [
      'a volume for what keeps nothing',
      ({ kubernetes }) => {
        kubernetes.dependencies.collector = { replicas: 1, storage_gib: 1 };
      },
      'kubernetes.dependencies.collector: has storage_gib, but keeps nothing on a volume: leave it out',
    ],
    [
      'a dependency that nobody here runs',
      ({ kubernetes }) => {
        kubernetes.dependencies.postgres = { replicas: 1 };
      },
      'kubernetes.dependencies.postgres: is run by nobody here: say at which addresses it is (hosts), or leave it out',
    ],
    [
      'an image without a fixed tag',
      ({ kubernetes }) => {
        kubernetes.images.tag = 'latest';
      },
      'kubernetes.images.tag: must be a fixed tag, never latest',
    ],
  ])('%s', (_, change, fault) => {
    const stack = prod();
    change(stack);
    const { message } = faultOf(() => defineStack(stack));
    expect(message).toContain(`The stack prod does not fit:\n  ${fault}`);
  });

  it('a port used twice', () => {
    const { core, gateway } = services;
    expect(faultOf(() => distinct({ ...services, core: { ...core, port: gateway.port } })).message).toBe(
      'The table of services does not fit:\n  port 8000 is used twice, by gateway and core: give one of them another port',
    );
  });

  it('a need that nothing meets, and the port of a dependency', () => {
    const { core } = services;
    const { message } = faultOf(() =>
      distinct({ ...services, core: { ...core, needs: ['qdrant'], port: 8222 } }),
    );
    expect(message).toBe(
      'The table of services does not fit:\n' +
        '  core needs qdrant, which is not in dependencies/: there are nats, collector, postgres; add a folder for it\n' +
        '  port 8222 is used twice, by nats and core: give one of them another port',
    );
  });

  it('places every service, but those that a stack leaves out', () => {
    const placed = everyService({ core: { replicas: 2 }, governance: false });
    expect(placed).toEqual(
      ServiceName.options
        .filter((name) => name !== 'governance')
        .map((service) => (service === 'core' ? { service, replicas: 2 } : { service })),
    );
  });

  it('a service without limits', () => {
    const { memory_limit: _, ...size } = services.core.size;
    const { message, stack } = faultOf(() => defineManifest({ ...services.core, size } as never));
    expect(message).toMatch(/^The manifest of core does not fit:\n {2}size\.memory_limit: .*string/);
    // One text, and no lines of ours below it.
    expect(stack).toBe(`DefinitionError: ${message}`);
  });
});
