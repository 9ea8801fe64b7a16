import { beforeAll, describe, expect, it } from 'vitest';
import { dumpOf, expectedOf } from './dump.ts';
import { type Run, runUnderRuntime } from './engine.ts';
import { GIVEN, spellingsOf } from './stacks.ts';

const KUBERNETES = /^kubernetes:.+\/.+:/;

/** The line above each resource of a dump, with its type and name. */
const namesOf = (dump: ReadonlyMap<string, string>) =>
  [...dump.values()].flatMap((text) => text.match(/^# \S+:\S+ \S+$/gm) ?? []).sort();

describe('the program under the real language runtime', () => {
  let run: Run;
  beforeAll(async () => {
    run = await runUnderRuntime({ stack: 'multi-region', config: GIVEN });
  }, 60_000);

  it('ends well, and registers what the golden file says', () => {
    expect(run.written).toBe('');
    expect(run.told).toEqual([]);
    expect(run.code).toBe(0);
    const dump = dumpOf(run.resources);
    expect([...dump.keys()].sort()).toEqual([...expectedOf('multi-region').keys()].sort());
    for (const [path, text] of expectedOf('multi-region')) expect(dump.get(path), path).toBe(text);
  });

  it('puts every object under its chart, and makes it by the provider of its region', () => {
    const objects = run.resources.filter(({ type }) => KUBERNETES.test(type));
    for (const object of objects) {
      expect(object.parent, object.name).toMatch(/mcp:cdk8s:Chart::/);
      const { namespace } = object.inputs.metadata as { namespace?: string };
      if (namespace === undefined) continue;
      const region = namespace.replace('mcp-', '');
      expect(object.provider, object.name).toMatch(new RegExp(`pulumi:providers:kubernetes::${region}::`));
    }
  });

  it('says where things are, and no secret', () => {
    expect(Object.keys(run.outputs).sort()).toEqual([
      'admin_key_command',
      'console_url',
      'endpoints',
      'gateway_url',
      'images',
    ]);
    const all = JSON.stringify([run.resources, run.outputs]);
    for (const secret of spellingsOf(Object.values(GIVEN))) expect(all).not.toContain(secret);
    expect(all).not.toContain('made-up-');
  });
});

it('shows every object in a first preview, where passwords and digests are not known yet', async () => {
  const run = await runUnderRuntime({ stack: 'prod', config: GIVEN, preview: true });
  expect(run.told).toEqual([expect.stringMatching(/collectors of prod export no traces: egress\.otlp/)]);
  expect(run.code).toBe(0);
  expect(namesOf(dumpOf(run.resources))).toEqual(namesOf(expectedOf('prod')));
}, 60_000);

it.each([
  ['an unknown stack', { stack: 'moon' }, /There is no stack 'moon'.*local/],
  [
    'missing secrets',
    { stack: 'prod' },
    /The stack prod needs secrets that are not set: mcp:databaseUrl, mcp:provSecret\. .*pulumi config set --secret/,
  ],
  [
    'a secret that is too short',
    { stack: 'local', config: { provSecret: 'short' } },
    /mcp:provSecret has 5 characters, at least 32 are needed: openssl rand/,
  ],
])(
  'ends with one clear error before anything is registered: %s',
  async (_, options, text) => {
    const run = await runUnderRuntime(options);
    expect(run.code).not.toBe(0);
    expect(run.resources).toEqual([]);
    const all = [...run.told, run.written].join('\n');
    expect(all).toMatch(text);
    expect(all).not.toMatch(/^\s+at /m);
  },
  60_000,
);
