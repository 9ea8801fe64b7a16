import { type Example, fails, passes } from '../../test/example.ts';
import { configMap, container, running } from '../../test/objects.ts';

const env = (name: string, value: string) => running(container({ env: [{ name, value }] }));
const CREDENTIAL = 'holds what looks like a credential';

export const examples: readonly Example[] = [
  passes(
    'a reference',
    running(container({ env: [{ name: 'MCP_PROV_SECRET', valueFrom: { secretKeyRef: {} } }] })),
  ),
  passes('a value that refers to another', env('DATABASE_URL', 'postgres://mcp:$(PASSWORD)@db/mcp')),
  passes('a path to a secret', env('TLS_KEY_FILE', '/etc/tls/key.pem')),
  passes('a number of tokens', env('MCP_MAX_TOKENS', '4096')),
  passes('an empty secret', env('OPENAI_API_KEY', '')),
  passes('a URL with a port and an @ in its path', env('ENDPOINT', 'http://core:8080/users/a@b')),
  passes(
    'a plain ConfigMap',
    configMap({ MCP_LOG_LEVEL: 'info', 'nats.conf': 'url: nats://core:$PASS@nats' }),
  ),
  fails(
    env('MCP_CORE_SIGNING_KEY', 'abc'),
    'container core: variable MCP_CORE_SIGNING_KEY holds a secret in clear',
  ),
  fails(env('openai_api_key', 'abc'), 'container core: variable openai_api_key holds a secret in clear'),
  fails(env('DATABASE_URL', 'sqlite:x'), 'container core: variable DATABASE_URL holds a secret in clear'),
  fails(env('URL', 'amqp://mcp:hunter2@mq/'), `container core: variable URL ${CREDENTIAL}`),
  fails(env('NOTE', `use sk-${'a1'.repeat(12)}`), `container core: variable NOTE ${CREDENTIAL}`),
  fails(env('PEM', '-----BEGIN EC PRIVATE KEY-----\nMHc'), `container core: variable PEM ${CREDENTIAL}`),
  fails(configMap({ MCP_ADMIN_KEY_HASH: 'ab' }), 'key MCP_ADMIN_KEY_HASH holds a secret in clear'),
  fails(configMap({ ADMIN_PASSWORD: 'hunter2' }), 'key ADMIN_PASSWORD holds a secret in clear'),
  fails(configMap({ 'app.yaml': `key: ghp_${'x'.repeat(36)}` }), `key app.yaml ${CREDENTIAL}`),
  fails(
    running(container({ args: ['--url', 'nats://core:hunter2@nats:4222'] })),
    'container core: the command line holds what looks like a credential',
  ),
];
