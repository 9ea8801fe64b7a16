/** Key management services that are not ours, started from programs that are given: HashiCorp Vault, local-kms, moto. */
import { type ChildProcess, spawn } from 'node:child_process';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import type { TestedKms } from './kms.ts';
import { freePort } from './nats.ts';

const START_MS = 60_000;
const LOOK_EVERY_MS = 100;
const REGION = 'eu-central-1';

/** What the platform needs of the transit engine, and no more. */
const POLICY = `path "transit/encrypt/mcp" { capabilities = ["update"] }
path "transit/decrypt/mcp" { capabilities = ["update"] }
path "transit/rewrap/mcp" { capabilities = ["update"] }
path "transit/keys/mcp" { capabilities = ["read"] }`;

/** How each is started whose program the environment names; a test that loops over them has none of the others. */
export function realKmsServers(env: NodeJS.ProcessEnv): Record<string, () => Promise<TestedKms>> {
  const { MCP_TEST_VAULT: vault, MCP_TEST_LOCAL_KMS: local, MCP_TEST_MOTO: moto } = env;
  return {
    ...(vault === undefined ? {} : { vault: () => startVault(vault) }),
    ...(local === undefined ? {} : { 'aws, local-kms': () => startLocalKms(local) }),
    // The Python that has it.
    ...(moto === undefined ? {} : { 'aws, moto': () => startMoto(moto) }),
  };
}

/** A program in a folder of its own, which can be killed, and started again with what it has stored. */
class Program {
  readonly dir = mkdtempSync(join(tmpdir(), 'mcp-kms-'));
  #child: ChildProcess | undefined;

  start(command: string, args: readonly string[], env: Readonly<Record<string, string>> = {}): void {
    this.#child = spawn(command, args, { cwd: this.dir, stdio: 'ignore', env: { ...process.env, ...env } });
  }

  async signal(name: 'SIGKILL' | 'SIGSTOP' | 'SIGCONT'): Promise<void> {
    const child = this.#child;
    if (child === undefined || child.exitCode !== null || child.signalCode !== null) return;
    const gone = new Promise((done) => child.once('exit', done));
    child.kill(name);
    if (name === 'SIGKILL') await gone;
  }

  async close(): Promise<void> {
    await this.signal('SIGKILL');
    rmSync(this.dir, { recursive: true, force: true });
  }
}

/** Until it answers with this status. */
async function untilStatus(url: string, status: number): Promise<void> {
  for (const until_ms = Date.now() + START_MS; ; await sleep(LOOK_EVERY_MS)) {
    const found = await fetch(url).then(
      (answer) => answer.status,
      () => 0,
    );
    if (found === status) return;
    if (Date.now() > until_ms) throw new Error(`${url} does not answer ${status}, but ${found}`);
  }
}

interface Sent {
  readonly url: string;
  readonly method?: string;
  readonly headers: Readonly<Record<string, string>>;
  readonly body?: object;
}

async function sent({ url, method = 'POST', headers, body }: Sent): Promise<unknown> {
  const given = body === undefined ? {} : { body: JSON.stringify(body) };
  const answer = await fetch(url, { method, headers, ...given });
  const text = await answer.text();
  if (!answer.ok) throw new Error(`${method} ${url}: ${answer.status} ${text}`);
  return text === '' ? {} : JSON.parse(text);
}

/** The text at a place of an answer. */
function textAt(answer: unknown, ...path: readonly (string | number)[]): string {
  const found = path.reduce<unknown>(
    (value, name) => (value as Record<string | number, unknown> | undefined)?.[name],
    answer,
  );
  if (typeof found !== 'string') throw new Error(`There is no ${path.join('.')} in the answer.`);
  return found;
}

/** A Vault that stores on disk (raft), with the transit key `mcp` and a token that may use it and nothing else. */
async function startVault(binary: string): Promise<TestedKms> {
  const program = new Program();
  const [port, cluster_port] = [await freePort(), await freePort()];
  const url = `http://127.0.0.1:${port}`;
  writeFileSync(join(program.dir, 'vault.hcl'), vaultConfig(program.dir, { url, port, cluster_port }));
  const begin = () => program.start(binary, ['server', '-config=vault.hcl']);
  begin();
  await untilStatus(`${url}/v1/sys/health`, 501);
  const initialized = await sent({
    ...{ url: `${url}/v1/sys/init`, method: 'PUT', headers: {} },
    body: { secret_shares: 1, secret_threshold: 1 },
  });
  const root = { 'x-vault-token': textAt(initialized, 'root_token') };
  const asked = (path: string, body: object, method = 'POST') =>
    sent({ url: `${url}/v1/${path}`, method, headers: root, body });
  const unseal = async () => {
    await sent({
      ...{ url: `${url}/v1/sys/unseal`, method: 'PUT', headers: {} },
      body: { key: textAt(initialized, 'keys_base64', 0) },
    });
    await untilStatus(`${url}/v1/sys/health`, 200);
  };
  await unseal();
  await asked('sys/mounts/transit', { type: 'transit' });
  for (const key of ['mcp', 'other']) await asked(`transit/keys/${key}`, {});
  await asked('sys/policies/acl/mcp', { policy: POLICY });
  const created = await asked('auth/token/create', { policies: ['mcp'], no_parent: true });
  const token = textAt(created, 'auth', 'client_token');
  const leave: Record<TestedKms['states'][number], () => Promise<unknown>> = {
    async away() {
      begin();
      await untilStatus(`${url}/v1/sys/health`, 503);
      await unseal();
    },
    busy: unseal,
    throttled: () => asked('sys/quotas/rate-limit/mcp', {}, 'DELETE'),
    forbidden: () => asked('sys/policies/acl/mcp', { policy: POLICY }),
  };
  const into: typeof leave = {
    away: () => program.signal('SIGKILL'),
    busy: () => asked('sys/seal', {}, 'PUT'),
    async throttled() {
      await asked('sys/quotas/rate-limit/mcp', { rate: 1, interval: '1h', path: 'transit/' });
      // The one that it lets through.
      await asked('transit/encrypt/mcp', { plaintext: '' });
    },
    forbidden: () =>
      asked('sys/policies/acl/mcp', { policy: 'path "transit/none" { capabilities = ["deny"] }' }),
  };
  let state: Parameters<TestedKms['enter']>[0] = 'up';
  return {
    settings: { kind: 'vault', address: url, mount: 'transit', key: 'mcp' },
    token,
    states: ['away', 'busy', 'throttled', 'forbidden'],
    async enter(next) {
      if (state !== 'up') await leave[state]();
      state = next;
      if (next !== 'up') await into[next]();
    },
    rotate: async () => void (await asked('transit/keys/mcp/rotate', {})),
    foreign: async () => {
      const answer = await asked('transit/encrypt/other', { plaintext: Buffer.alloc(64).toString('base64') });
      return textAt(answer, 'data', 'ciphertext');
    },
    close: () => program.close(),
  };
}

interface Listening {
  readonly url: string;
  readonly port: number;
  readonly cluster_port: number;
}

function vaultConfig(dir: string, { url, port, cluster_port }: Listening): string {
  return `storage "raft" {
  path = "${dir}"
  node_id = "one"
}
listener "tcp" {
  address = "127.0.0.1:${port}"
  cluster_address = "127.0.0.1:${cluster_port}"
  tls_disable = true
}
disable_mlock = true
api_addr = "${url}"
cluster_addr = "http://127.0.0.1:${cluster_port}"
`;
}

async function startLocalKms(binary: string): Promise<TestedKms> {
  const program = new Program();
  const port = await freePort();
  const env = { PORT: String(port), KMS_REGION: REGION, DATA_PATH: program.dir };
  program.start(binary, [], env);
  await untilStatus(`http://127.0.0.1:${port}`, 405);
  return awsOf(program, port);
}

async function startMoto(python: string): Promise<TestedKms> {
  const program = new Program();
  const port = await freePort();
  program.start(python, ['-m', 'moto.server', '-H', '127.0.0.1', '-p', String(port)]);
  await untilStatus(`http://127.0.0.1:${port}/moto-api/data.json`, 200);
  return awsOf(program, port);
}

/** Neither checks a signature or a policy: what is refused for want of rights is not tested with them. */
async function awsOf(program: Program, port: number): Promise<TestedKms> {
  const endpoint = `http://127.0.0.1:${port}`;
  const asked = (target: string, body: object) =>
    sent({
      url: endpoint,
      headers: {
        'content-type': 'application/x-amz-json-1.1',
        'x-amz-target': `TrentService.${target}`,
        authorization: `AWS4-HMAC-SHA256 Credential=AKIATEST/20260101/${REGION}/kms/aws4_request, SignedHeaders=host, Signature=0`,
      },
      body,
    });
  const made = async () => textAt(await asked('CreateKey', {}), 'KeyMetadata', 'KeyId');
  const alias = 'alias/mcp';
  await asked('CreateAlias', { AliasName: alias, TargetKeyId: await made() });
  return {
    settings: { kind: 'aws', key: alias, region: REGION, endpoint },
    token: undefined,
    states: ['away'],
    enter: (next) => program.signal(next === 'up' ? 'SIGCONT' : 'SIGSTOP'),
    rotate: async () => void (await asked('UpdateAlias', { AliasName: alias, TargetKeyId: await made() })),
    foreign: async () => {
      const other = { KeyId: alias, Plaintext: Buffer.alloc(64).toString('base64') };
      return textAt(
        await asked('Encrypt', { ...other, EncryptionContext: { purpose: 'other' } }),
        'CiphertextBlob',
      );
    },
    close: () => program.close(),
  };
}
