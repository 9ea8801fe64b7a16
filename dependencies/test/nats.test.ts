import { execFileSync } from 'node:child_process';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { connect } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { AssetStore } from '@mcp/assets';
import type { DependencyPlace } from '@mcp/contracts';
import { freePort, startNats } from '@mcp/testkit';
import fc from 'fast-check';
import { afterAll, describe, expect, it } from 'vitest';
import { dependencies } from '../index.ts';
import { natsConf } from '../nats/conf.ts';

const dir = mkdtempSync(join(tmpdir(), 'mcp-nats-conf-'));
const server = new AssetStore({ offline: true }).locate('nats-server') ?? '';
afterAll(() => rmSync(dir, { recursive: true, force: true }));

/** What nats-server says of a configuration that it is to check and not to run. */
function checked(text: string, env: Readonly<Record<string, string>> = {}): string {
  const file = join(dir, 'nats.conf');
  writeFileSync(file, text);
  try {
    execFileSync(server, ['-t', '-c', file], { env, stdio: 'pipe', encoding: 'utf8' });
    return 'valid';
  } catch (error) {
    return String((error as { stderr: string }).stderr);
  }
}

const name = fc.stringMatching(/^[a-z][a-z0-9-]{0,20}$/);
const subject = fc.constantFrom('mcp.>', '$JS.API.INFO', '$KV.mcp_keys.>', '_INBOX.core.>');
const permissions = fc.record({
  publish: fc.array(subject),
  subscribe: fc.array(subject),
  allow_responses: fc.boolean(),
});

describe('nats.conf', () => {
  it('is one that nats-server takes, whoever its users are and wherever it stores', () => {
    const conf = fc.record({
      port: fc.integer({ min: 1024, max: 65_535 }),
      monitor_port: fc.option(fc.integer({ min: 1024, max: 65_535 }), { nil: undefined }),
      host: fc.constantFrom(undefined, '127.0.0.1', '0.0.0.0'),
      tags: fc.array(
        name.map((one) => `region:${one}`),
        { maxLength: 2 },
      ),
      store: fc.record({
        // A folder with blanks, quotes and dollar signs.
        dir: fc.string({ minLength: 1, maxLength: 12 }).map((text) => `/data/${text}`),
        domain: fc.option(name, { nil: undefined }),
        max_bytes: fc.option(fc.integer({ min: 1, max: 2 ** 50 }), { nil: undefined }),
        sync: fc.boolean(),
      }),
      users: fc.uniqueArray(fc.record({ name, permissions: fc.option(permissions, { nil: undefined }) }), {
        selector: (user) => user.name,
        maxLength: 4,
      }),
    });
    fc.assert(
      fc.property(conf, ({ host, monitor_port, store, users, ...rest }) => {
        const text = natsConf({
          ...rest,
          ...(host === undefined ? {} : { host }),
          ...(monitor_port === undefined ? {} : { monitor_port }),
          store: {
            dir: store.dir,
            sync: store.sync,
            ...(store.domain === undefined ? {} : { domain: store.domain }),
            ...(store.max_bytes === undefined ? {} : { max_bytes: store.max_bytes }),
          },
          users: users.map((user) => ({
            name: user.name,
            password_variable: 'PASSWORD',
            ...(user.permissions === undefined ? {} : { permissions: user.permissions }),
          })),
        });
        expect(checked(text, { PASSWORD: '"12345"' })).toBe('valid');
      }),
      { numRuns: 40 },
    );
  });

  it('is refused without the password that it names', () => {
    const { files } = dependencies.nats.start(placeOf(4222, 'x'));
    expect(checked(files['nats.conf'] ?? '')).toContain('NATS_PASSWORD');
  });
});

const placeOf = (port: number, password: string): DependencyPlace => ({
  host: '127.0.0.1',
  ports: { client: port },
  config_dir: dir,
  data_dir: join(dir, 'data'),
  durable: true,
  password,
});

describe('a nats-server on one machine', () => {
  it.each(['a-password', '1234567890', '12e7', 'true'])(
    'lets in who knows %s, and nobody else',
    async (password) => {
      const port = await freePort();
      const { files, env } = dependencies.nats.start(placeOf(port, password));
      const variables = env.flatMap((one) => ('value' in one ? [[one.name, one.value] as const] : []));
      const running = await startNats({
        port,
        // The kit says itself where it stores.
        config: (files['nats.conf'] ?? '').replace(/ *store_dir: .*\n/, ''),
        env: Object.fromEntries(variables),
      });
      try {
        expect(await answerOf(port, password)).toBe('PONG');
        expect(await answerOf(port, `${password}x`)).toContain('Authorization Violation');
      } finally {
        await running.close();
      }
    },
  );
});

/** What the server answers to a client of the protocol that says who it is and pings. */
async function answerOf(port: number, password: string): Promise<string> {
  const socket = connect(port, '127.0.0.1');
  const options = { verbose: false, pedantic: false, user: 'mcp', pass: password };
  socket.write(`CONNECT ${JSON.stringify(options)}\r\nPING\r\n`);
  let text = '';
  for await (const chunk of socket) {
    text += String(chunk);
    if (/PONG|-ERR/.test(text)) break;
  }
  socket.destroy();
  return /PONG|-ERR.*/.exec(text)?.[0] ?? text;
}
