import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { stacks } from '@mcp/stacks';
import { describe, expect, it } from 'vitest';
import { parse } from 'yaml';
import { engineFaults } from './project-rules.ts';

const ROOT = join(import.meta.dirname, '..', '..');
const read = (file: string): unknown => parse(readFileSync(join(ROOT, file), 'utf8'));
const project = read('Pulumi.yaml') as { readonly main: string; readonly stackConfigDir: string };
const FILE = /^Pulumi\.(.+)\.yaml$/;
const tracked = readdirSync(ROOT).flatMap((file) => FILE.exec(file)?.[1] ?? []);

describe('Pulumi.yaml, by the rules of the engine', () => {
  it.each(Object.keys(stacks))('lets the stack %s be previewed that nobody configured yet', (name) => {
    expect(engineFaults(project, { name, yaml: null })).toEqual([]);
  });

  it.each(tracked)('lets Pulumi.%s.yaml be used as it is', (name) => {
    const yaml = read(`Pulumi.${name}.yaml`);
    expect(engineFaults(project, { name, yaml })).toEqual([]);
    expect(yaml).toMatchObject({ config: { 'mcp:stack': name } });
    expect(Object.keys(stacks)).toContain(name);
  });

  it('has the files of the shared stacks, and names a program that is there', () => {
    expect(tracked.sort()).toEqual(['dev', 'prod']);
    expect(existsSync(join(ROOT, project.main))).toBe(true);
  });

  it('keeps what an operator configures out of what is tracked', () => {
    const [top = ''] = project.stackConfigDir.split('/');
    expect(readFileSync(join(ROOT, '.gitignore'), 'utf8').split('\n')).toContain(`${top}/`);
  });
});

describe('the rules', () => {
  const base = { name: 'mcp', main: 'infra/index.ts', runtime: 'nodejs' };
  const faults = (change: object, yaml: unknown = null) =>
    engineFaults({ ...base, ...change }, { name: 'local', yaml });

  it.each<[string, object, unknown, RegExp]>([
    [
      'a secret with a plain default',
      { config: { databaseUrl: { type: 'string', secret: true, default: '' } } },
      null,
      /^Stack 'local' with configuration key 'databaseUrl' must be encrypted as it's secret$/,
    ],
    [
      'a key without a default',
      { config: { key: { type: 'string' } } },
      null,
      /is missing configuration value 'key'/,
    ],
    [
      'a secret that is written plainly',
      { config: { key: { type: 'string', secret: true } } },
      { config: { 'mcp:key': 'hunter2' } },
      /must be encrypted/,
    ],
    [
      'a default of another type',
      { config: { key: { type: 'integer', default: 'many' } } },
      null,
      /not of the expected type 'integer'/,
    ],
    [
      'a value of another type',
      { config: { key: { type: 'boolean', default: true } } },
      { config: { 'mcp:key': 'yes' } },
      /must be of type 'boolean'/,
    ],
    ['an array of nothing', { config: { key: { type: 'array', default: [] } } }, null, /'items' attribute/],
    ['a type of its own', { config: { key: { type: 'text', default: '' } } }, null, /^#\/config\/key/],
    [
      'a type for what another package reads',
      { config: { 'aws:region': { type: 'string', value: 'x' } } },
      null,
      /should not define a type/,
    ],
    ['a key that the engine does not know', { stackconfigdir: 'x' }, null, /stackconfigdir/],
    ['a stack file that is no such thing', {}, { settings: {} }, /Pulumi\.local\.yaml.*settings/],
  ])('refuse %s', (_, change, yaml, message) => {
    expect(faults(change, yaml)).toEqual([expect.stringMatching(message)]);
  });

  it('accept what the engine accepts', () => {
    const config = {
      a: { type: 'integer', default: '3' },
      b: { type: 'array', items: { type: 'string' }, default: ['x'] },
      c: { type: 'string', secret: true },
      d: true,
      'aws:region': 'eu-central-1',
    };
    expect(faults({ config }, { config: { 'mcp:c': { secure: 'v1:abc' } } })).toEqual([]);
  });
});
