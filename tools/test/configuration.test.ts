import { ServiceName } from '@mcp/contracts';
import { CommonEnv, FLAGS, keySetOf, loadConfig, type ServiceDefinition } from '@mcp/service-kit';
import {
  identitiesOf,
  type Stack,
  serviceEnvironment,
  services,
  serviceVariable,
  stacks,
  VARIABLES,
  type VariableRow,
} from '@mcp/stacks';
import { describe, expect, it } from 'vitest';
import { z } from 'zod';

async function configOf(name: ServiceName): Promise<z.ZodObject> {
  const module: { definition: ServiceDefinition<unknown> } = await import(
    `../../apps/${name}/src/definition.ts`
  );
  const { config } = module.definition;
  if (!(config instanceof z.ZodObject)) throw new Error(`the configuration of ${name} must be a z.object`);
  return config;
}

function appliesTo(row: VariableRow, name: ServiceName): boolean {
  if (row.for === 'all') return true;
  if (row.for === 'remote') return name === 'model-gateway' || name === 'gateway';
  return row.for === 'bus' ? services[name].needs.includes('nats') : row.for.includes(name);
}

describe.each(ServiceName.options)('environment of %s', (name) => {
  it('every variable it reads is in the table, and every variable of the table is read', async () => {
    const read = Object.keys((await configOf(name)).shape);
    const common = Object.keys(CommonEnv.shape);
    const rows = VARIABLES.filter((row) => appliesTo(row, name)).map((row) => row.name);
    expect(
      read.filter((variable) => !rows.includes(variable) && !(variable in FLAGS)),
      'add to stacks/variables.ts',
    ).toEqual([]);
    expect(
      rows.filter(
        (variable) =>
          ![...read, ...common].includes(variable) && variable !== serviceVariable(name, 'SIGNING_KEY'),
      ),
      'drop from stacks/variables.ts',
    ).toEqual([]);
  });

  it.each(Object.values(stacks).map((stack): [string, Stack] => [stack.name, stack]))(
    'the stack %s gives it one that fits',
    async (_, stack) => {
      const env = serviceEnvironment(
        stack,
        { service: name, in_process: [] },
        {
          region: stack.regions[0]?.name ?? '',
          host: '127.0.0.1',
          endpoints: Object.fromEntries(
            Object.values(services).map((one) => [one.name, `http://127.0.0.1:${one.port}`]),
          ),
          data_dir: '/data',
          nats_address: '127.0.0.1:4222',
          secret: (secret) =>
            ({
              database_url: 'postgres://db/mcp',
              log_archive_url: 's3://logs/mcp',
              openai_targets: '[]',
              admin_key_hash: '0'.repeat(64),
              service_jwks: JSON.stringify(keySetOf(identitiesOf((one) => [one.padEnd(43, 's')]))),
            })[secret as string] ?? 's'.repeat(43),
          asset: (id) => `/models/${id}`,
        },
      );
      loadConfig(CommonEnv, env);
      loadConfig(await configOf(name), env);
    },
  );
});
