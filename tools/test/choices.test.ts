import { ServiceName } from '@mcp/contracts';
import { type Stack, stacks } from '@mcp/stacks';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { dataPaths } from '../src/paths.ts';
import { chosenModels, chosenStack, placements } from '../src/runner/choices.ts';
import { LOCAL, startOf } from '../src/runner/dependency.ts';

const local = stacks.local as Stack;

describe('--models', () => {
  const ids = (choice: string) => chosenModels(choice, local.models).map((model) => model.id);
  it('small leaves the large ones out, standard has all', () => {
    expect(ids('standard')).toEqual(local.models.map((model) => model.id));
    expect(ids('small')).toEqual(['smollm2-135m-instruct', 'all-minilm-l6-v2']);
  });
  it('scripted has only the scripted backend', () => {
    expect(new Set(chosenModels('scripted', local.models).map((model) => model.backend))).toEqual(
      new Set(['scripted']),
    );
  });
  it('a list keeps the embedding model', () => {
    expect(ids('qwen2.5-coder-1.5b-instruct')).toEqual(['qwen2.5-coder-1.5b-instruct', 'all-minilm-l6-v2']);
  });
  it.each([
    ['gpt-9', /no model is called gpt-9\. Use small, standard, scripted, or some of smollm2/],
    [',', /the list is empty/],
    ['all-minilm-l6-v2', /no chat model\. Add one of smollm2/],
  ])('refuses %s with a way out', (choice, message) => {
    expect(() => ids(choice)).toThrow(message);
  });
});

describe('--single-process', () => {
  it('places every service exactly once, whatever is chosen', () => {
    const choice = fc.oneof(
      fc.constantFrom('all', 'none'),
      fc.subarray([...ServiceName.options], { minLength: 1 }).map((names) => names.join(',')),
    );
    fc.assert(
      fc.property(choice, (text) => {
        const placed = placements(text, local.services).flatMap((one) => [one.service, ...one.in_process]);
        expect([...placed].sort()).toEqual([...ServiceName.options].sort());
      }),
    );
  });
  it('all is one process, none is one each, a list shares one', () => {
    expect(placements('all', local.services)).toHaveLength(1);
    expect(placements('none', local.services)).toHaveLength(ServiceName.options.length);
    expect(placements('governance,core', local.services)[0]).toEqual({
      service: 'core',
      in_process: ['governance'],
    });
  });
  it('refuses an unknown service by name', () => {
    expect(() => chosenStack({ models: 'small', in_process: 'kore' })).toThrow(
      /no service is called kore\. Use all, none/,
    );
  });
});

describe('the local event bus', () => {
  it('keeps every write on disk, wants the password and listens on this machine only', () => {
    const bus = LOCAL.find(({ name }) => name === 'nats');
    if (bus === undefined) throw new Error('there is none');
    const paths = dataPaths('/data dir');
    const { files, args, env } = startOf(bus, { ports: { client: 4333 }, password: 'secret', paths });
    expect(args).toEqual(['--config', '/data dir/run/nats.conf']);
    const text = files['nats.conf'] ?? '';
    for (const line of [
      'host: "127.0.0.1"',
      'port: 4333',
      '  store_dir: "/data dir/nats"',
      '  sync_interval: always',
      '    { user: "mcp", password: $NATS_PASSWORD }',
    ])
      expect(text.split('\n')).toContain(line);
    expect(text).not.toContain('secret');
    expect(env).toEqual([{ name: 'NATS_PASSWORD', value: '"secret"' }]);
  });
});
