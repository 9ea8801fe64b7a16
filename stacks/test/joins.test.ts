import { DefinitionError, defineManifest, type Metric, type Setting } from '@mcp/contracts';
import { describe, expect, it } from 'vitest';
import { z } from 'zod';
import { joinFlags } from '../flags.ts';
import { joinMetrics } from '../metrics.ts';
import { services } from '../services.ts';
import { type Declaration, joinSettings } from '../variables.ts';

const text = z.string();
const row: Declaration['setting'] = { schema: text, meaning: 'one meaning' };
const secret = { object: 'mcp-one', key: 'key', made: { by: 'operator' } } as const;

function declared(
  name: string,
  setting: Declaration['setting'] = row,
  service: Declaration['service'] = 'core',
): Declaration {
  return { name, service, setting };
}

/** A metric as a manifest has it. */
const metric = {
  type: 'counter',
  category: 'governance',
  unit: '1',
  labels: ['job'],
  help: 'h',
  panels: [{ dashboard: 'bus', title: 't', by: ['job'] }],
} as const satisfies Metric;

describe('the join of settings', () => {
  it('is one row for services that share it, with each condition', () => {
    const rows = joinSettings([
      declared('MCP_A'),
      declared('MCP_A', { ...row, only_with: 'MCP_B' }, 'gateway'),
      declared('MCP_B', row, 'gateway'),
    ]);
    expect(rows.map(({ name }) => name)).toEqual(['MCP_A', 'MCP_B']);
    expect(rows[0]?.uses).toEqual([
      { service: 'core', only_with: undefined },
      { service: 'gateway', only_with: 'MCP_B' },
    ]);
  });

  it.each<[string, readonly Declaration[], RegExp]>([
    [
      'another meaning',
      [declared('MCP_A'), declared('MCP_A', { ...row, meaning: 'another' }, 'gateway')],
      /MCP_A is not the same in core and in gateway/,
    ],
    [
      'another schema',
      [declared('MCP_A'), declared('MCP_A', { ...row, schema: z.string() }, 'gateway')],
      /MCP_A is not the same in core and in gateway/,
    ],
    [
      'the name of a flag',
      [declared('PII_TAGGING_ENABLED')],
      /PII_TAGGING_ENABLED is a setting of core and a flag/,
    ],
    [
      'one place for two secrets',
      [declared('MCP_A', { ...row, secret }), declared('MCP_B', { ...row, secret }, 'gateway')],
      /MCP_A and MCP_B share the place mcp-one\/key/,
    ],
    [
      'a variable that the service does not read',
      [declared('MCP_A', { ...row, requires: ['MCP_B'] }), declared('MCP_B', row, 'gateway')],
      /MCP_A of core names MCP_B, which core does not read/,
    ],
  ])('refuses %s', (_, rows, message) => {
    expect(() => joinSettings(rows)).toThrow(DefinitionError);
    expect(() => joinSettings(rows)).toThrow(message);
  });
});

describe('the joins of metrics and flags', () => {
  it('share a row that is the same, and refuse two of one name', () => {
    const both = (other: Metric) =>
      joinMetrics([
        { name: 'core', metrics: { a_total: metric } },
        { name: 'gateway', metrics: { a_total: other } },
      ]);
    expect(both({ ...metric })).toEqual({ a_total: metric });
    expect(() => both({ ...metric, labels: [] })).toThrow(/a_total is not the same in core and in gateway/);
    const flags = (description: string) =>
      joinFlags([
        { name: 'core', flags: { A_ENABLED: { default: true, description: 'd' } } },
        { name: 'gateway', flags: { A_ENABLED: { default: true, description } } },
      ]);
    expect(Object.keys(flags('d'))).toEqual(['A_ENABLED']);
    expect(() => flags('other')).toThrow(/A_ENABLED is described by core and by gateway in different words/);
  });
});

describe('a manifest', () => {
  const base = { ...services.core, settings: {}, metrics: {}, flags: {} };
  const setting = (change: Partial<Setting>) => ({ ...base, settings: { MCP_A: { ...row, ...change } } });

  const refused: readonly [string, Parameters<typeof defineManifest>[0], RegExp][] = [
    [
      'a secret with a field of the stack',
      setting({ secret, from: 'stack.log_level' }),
      /a secret has no field/,
    ],
    [
      'a secret that an operator overrides',
      setting({ secret, operator: true }),
      /not given as an operator variable/,
    ],
    ['a value from nowhere', setting({ from: 'elsewhere.x' }), /MCP_A\.from/],
    ['a variable in lower case', { ...base, settings: { mcp_a: row } }, /must be a variable such as/],
    [
      'a panel by a label that there is not',
      {
        ...base,
        metrics: { a_total: { ...metric, panels: [{ dashboard: 'bus', title: 't', by: ['model'] }] } },
      },
      /'t' names the label model; there are service, job/,
    ],
    [
      'a metric that nobody is shown',
      { ...base, metrics: { a_total: { ...metric, panels: [] } } },
      /must be on a dashboard/,
    ],
    [
      'a flag of another form',
      { ...base, flags: { A: { default: true, description: 'd' } } },
      /must end in _ENABLED/,
    ],
  ];
  it.each(refused)('refuses %s', (_, manifest, message) => {
    expect(() => defineManifest(manifest)).toThrow(message);
  });
});
