import { ServiceName } from '@mcp/contracts';
import { CommonEnv, configSchema, keySetOf, loadConfig } from '@mcp/service-kit';
import { identitiesOf, type Stack, serviceEnvironment, services, stacks } from '@mcp/stacks';
import { describe, expect, it } from 'vitest';

const SECRETS: Readonly<Record<string, string>> = {
  database_url: 'postgres://db/mcp',
  log_archive_url: 's3://logs/mcp',
  log_anchor_s3_key: 'id:secret',
  openai_targets: '[]',
  bedrock_credentials: JSON.stringify({ accessKeyId: 'id', secretAccessKey: 'key' }),
  vertex_credentials: JSON.stringify({ type: 'service_account', client_email: 'a@b.c', private_key: 'key' }),
  admin_key_hash: '0'.repeat(64),
  service_jwks: JSON.stringify(keySetOf(identitiesOf((one) => [one.padEnd(43, 's')]))),
};

function environmentOf(stack: Stack, service: ServiceName): Record<string, string> {
  return serviceEnvironment(
    stack,
    { service, in_process: [] },
    {
      region: stack.regions[0]?.name ?? '',
      host: '127.0.0.1',
      endpoints: Object.fromEntries(
        Object.values(services).map((one) => [one.name, `http://127.0.0.1:${one.port}`]),
      ),
      data_dir: '/data',
      nats_address: '127.0.0.1:4222',
      nats_copies: 3,
      nats_storage_bytes: 1e9,
      metrics_port: 9464,
      secret: (name) => SECRETS[name] ?? 's'.repeat(43),
      asset: (id) => `/models/${id}`,
    },
  );
}

describe.each(ServiceName.options)('environment of %s', (name) => {
  it.each(Object.values(stacks).map((stack): [string, Stack] => [stack.name, stack]))(
    'the stack %s gives it one that fits',
    (_, stack) => {
      const env = environmentOf(stack, name);
      const common = loadConfig(CommonEnv, env);
      expect(common).toMatchObject({ MCP_METRICS_PORT: 9464, MCP_TRACE_STORE: true, MCP_BUS_REPLICAS: 3 });
      const config = loadConfig(configSchema(services[name].settings), env);
      for (const variable of Object.keys(services[name].settings))
        if (variable in env) expect(config, variable).toHaveProperty(variable);
    },
  );
});
