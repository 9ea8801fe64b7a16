import { spawnSync } from 'node:child_process';
import { createHash } from 'node:crypto';
import { mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, it } from 'vitest';
import { type SecretShape, secretsScript } from '../programs/secrets-script.ts';

/** Keeps what it is told in files: enough of kubectl for a script that makes Secrets. */
const KUBECTL = `#!/bin/sh
echo "$*" >> "$STORE/calls"
[ "$1" != apply ] || { : > "$STORE/namespace"; exit 0; }
namespace=$2; verb=$3; shift 4
[ -e "$STORE/namespace" ] || { echo 'namespaces not found' >&2; exit 1; }
if [ "$verb" = get ]; then
  [ -d "$STORE/$namespace.$1" ] || { [ "$2" = --ignore-not-found ]; exit; }
  key=$(printf %s "$*" | sed -n 's/.*index .data "\\([^"]*\\)".*/\\1/p')
  [ -z "$key" ] || cat "$STORE/$namespace.$1/$key"
else
  shift; secret=$1; shift; mkdir "$STORE/$namespace.$secret"
  for one in "$@"; do one=\${one#--from-file=}; cp "\${one#*=}" "$STORE/$namespace.$secret/\${one%%=*}"; done
fi`;
const SECRETS: readonly SecretShape[] = ['eu', 'us'].flatMap((namespace) => [
  { namespace, name: 'mcp-admin-key', keys: ['key', 'hash'] },
  { namespace, name: 'mcp-service-token', keys: ['token'] },
]);

let dir: string;
beforeEach(() => {
  dir = mkdtempSync(join(tmpdir(), 'mcp-secrets-'));
  mkdirSync(join(dir, 'store'));
  writeFileSync(join(dir, 'kubectl'), KUBECTL, { mode: 0o755 });
});
afterEach(() => rmSync(dir, { recursive: true, force: true }));

function run(secrets: readonly SecretShape[], env: Readonly<Record<string, string>> = {}) {
  writeFileSync(join(dir, 'secrets.sh'), secretsScript(secrets, ['000-namespace.yaml']));
  return spawnSync('sh', [join(dir, 'secrets.sh')], {
    encoding: 'utf8',
    env: { PATH: `${dir}:${process.env.PATH}`, STORE: join(dir, 'store'), ...env },
  });
}
const storedValue = (...path: string[]) => readFileSync(join(dir, 'store', ...path), 'utf8');

it('makes the namespaces first, then each Secret, with the same values everywhere, and shows none', () => {
  const { status, stdout, stderr } = run(SECRETS);
  expect(stderr).toBe('');
  expect(status).toBe(0);
  const key = storedValue('eu.mcp-admin-key', 'key');
  expect(key).toMatch(/^mcp_[0-9a-f]{64}$/);
  expect(storedValue('eu.mcp-admin-key', 'hash')).toBe(createHash('sha256').update(key).digest('hex'));
  expect(storedValue('us.mcp-admin-key', 'key')).toBe(key);
  const token = storedValue('us.mcp-service-token', 'token');
  expect(token).toMatch(/^[0-9a-f]{64}$/);
  expect(storedValue('eu.mcp-service-token', 'token')).toBe(token);
  for (const value of [key, token]) expect(`${stdout}${storedValue('calls')}`).not.toContain(value);
});

it('leaves what is there, and gives a namespace that comes later the values of the others', () => {
  run(SECRETS.filter(({ namespace }) => namespace === 'us'));
  const [key, token] = [storedValue('us.mcp-admin-key', 'key'), storedValue('us.mcp-service-token', 'token')];
  expect(run(SECRETS).status).toBe(0);
  expect([storedValue('us.mcp-admin-key', 'key'), storedValue('us.mcp-service-token', 'token')]).toEqual([
    key,
    token,
  ]);
  expect([storedValue('eu.mcp-admin-key', 'key'), storedValue('eu.mcp-service-token', 'token')]).toEqual([
    key,
    token,
  ]);
  expect(storedValue('eu.mcp-admin-key', 'hash')).toBe(createHash('sha256').update(key).digest('hex'));
});

it('asks for what only the operator knows, before it makes anything', () => {
  const database = { namespace: 'eu', name: 'mcp-database', keys: ['url'] };
  const refused = run([...SECRETS, database]);
  expect(refused.status).not.toBe(0);
  expect(refused.stderr).toContain('DATABASE_URL: set it to the value for mcp-database/url');
  expect(readdirSync(join(dir, 'store')).sort()).toEqual(['calls', 'namespace']);
  const identity = { namespace: 'eu', name: 'mcp-identity-core', keys: ['signing_key'] };
  expect(run([identity]).stderr).toContain('MCP_CORE_SIGNING_KEY: is printed by npx mcp identity');
  expect(run([identity], { MCP_CORE_SIGNING_KEY: '{"d":"x"}' }).status).toBe(0);
  expect(storedValue('eu.mcp-identity-core', 'signing_key')).toBe('{"d":"x"}');
  expect(run([...SECRETS, database], { DATABASE_URL: 'postgres://a' }).status).toBe(0);
  expect(storedValue('eu.mcp-database', 'url')).toBe('postgres://a');
});
