import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { canonical, type Stack, stacks } from '../index.ts';

const SERVICES = Object.values(stacks).flatMap(({ services }) => services);
const HOSTS = [
  { cidr: '203.0.113.0/24', except: ['203.0.113.7/32', '203.0.113.9/32'], port: 443 },
  { cidr: '203.0.113.0/24', except: [], port: 8443 },
  { cidr: '198.51.100.0/24', except: [], port: 443 },
];

/** A stack with several entries in every list that is a set. */
function rich(stack: Stack): Stack {
  const [region] = stack.regions;
  if (region === undefined) throw new Error('a stack has a region');
  const { kubernetes } = stack;
  return {
    ...stack,
    regions: [...stack.regions, { ...region, name: 'further' }, { ...region, name: 'another', priority: 7 }],
    services: stack.services.map((one, at) =>
      at === 0 ? { ...one, in_process: SERVICES.slice(0, 3).map(({ service }) => service) } : one,
    ),
    features: { B_ENABLED: true, A_ENABLED: false },
    kubernetes: {
      ...kubernetes,
      images: { ...kubernetes.images, allowed_registries: ['b.example/', 'a.example/'] },
      egress: { ...kubernetes.egress, otlp: HOSTS, database: HOSTS },
    },
  };
}

/** Every permutation of every set of a stack. */
function permuted(stack: Stack): fc.Arbitrary<Stack> {
  const shuffled = <T>(list: readonly T[]) =>
    fc.shuffledSubarray([...list], { minLength: list.length, maxLength: list.length });
  const { kubernetes } = stack;
  return fc
    .record({
      regions: shuffled(stack.regions),
      services: shuffled(stack.services),
      models: shuffled(stack.models),
      features: shuffled(Object.entries(stack.features)),
      platforms: shuffled(kubernetes.images.platforms),
      allowed_registries: shuffled(kubernetes.images.allowed_registries),
      otlp: shuffled(kubernetes.egress.otlp.map((host) => ({ ...host, except: [...host.except].reverse() }))),
      database: shuffled(kubernetes.egress.database),
    })
    .map(({ regions, services, models, features, platforms, allowed_registries, otlp, database }) => ({
      ...stack,
      regions,
      models,
      services: services.map((one) => ({ ...one, in_process: [...one.in_process].reverse() })),
      features: Object.fromEntries(features),
      kubernetes: {
        ...kubernetes,
        images: { ...kubernetes.images, platforms, allowed_registries },
        egress: { ...kubernetes.egress, otlp, database },
      },
    }));
}

describe.each(Object.values(stacks))('the stack $name', (stack) => {
  it('is the same in every order of its sets', () => {
    const full = rich(stack);
    // As text: the order of features would be seen there.
    const expected = JSON.stringify(canonical(full));
    fc.assert(
      fc.property(permuted(full), (one) => {
        expect(JSON.stringify(canonical(one))).toBe(expected);
      }),
    );
  });

  it('keeps everything that it says, and its peers in their order', () => {
    const regions = stack.regions.map((region) => ({ ...region, peers: ['z', 'a'] }));
    const one = canonical({ ...stack, regions });
    for (const { peers } of one.regions) expect(peers).toEqual(['z', 'a']);
    for (const list of ['services', 'models'] as const)
      expect(one[list]).toEqual(expect.arrayContaining([...stack[list]]));
    expect(canonical(one)).toEqual(one);
  });

  it('has the preferred region first', () => {
    const priorities = canonical(rich(stack)).regions.map(({ priority }) => priority);
    expect(priorities).toEqual([...priorities].sort((a, b) => a - b));
  });
});
