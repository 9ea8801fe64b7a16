import { randomBytes } from 'node:crypto';
import { writeFileSync } from 'node:fs';
import { cpus } from 'node:os';
import { PlatformError } from '@mcp/contracts';
import { type Kms, LocalKms, openKms } from '@mcp/kms';
import { KmsSettings } from '@mcp/kms/manifest';
import { realKmsServers, type TestedKms } from '@mcp/testkit';
import { median, quantile } from '../stats.ts';

/**
 * What wrapping a data key takes with key management services that are not ours, and how long each says that it is in
 * trouble: those whose programs are given, on this machine, so without a network.
 * `MCP_TEST_VAULT=vault MCP_TEST_LOCAL_KMS=local-kms MCP_TEST_MOTO=python3 node bench/encryption/kms.ts`
 */
const ROUNDS = 500;
const KEY = 'a key of this benchmark and of nothing else';
process.env.AWS_ACCESS_KEY_ID ??= 'bench';
process.env.AWS_SECRET_ACCESS_KEY ??= 'bench';

const rounded = (ms: number) => Number(ms.toFixed(3));

async function timed(work: () => Promise<unknown>): Promise<{ p50_ms: number; p95_ms: number }> {
  const times: number[] = [];
  for (let round = 0; round < ROUNDS; round++) {
    const began = performance.now();
    await work();
    times.push(performance.now() - began);
  }
  return { p50_ms: rounded(median(times)), p95_ms: rounded(quantile(times, 0.95)) };
}

async function latencies(kms: Kms, rotate: () => Promise<Kms>) {
  const plaintext = randomBytes(64);
  const { text, key_version } = await kms.wrap(plaintext);
  const wrap = await timed(() => kms.wrap(plaintext));
  const unwrap = await timed(() => kms.unwrap(text));
  const next = await rotate();
  const rewrap = await timed(() => next.rewrap(text));
  const again = await next.rewrap(text);
  if (again.key_version === key_version || !(await next.unwrap(again.text)).equals(plaintext))
    throw new Error(`${key_version} was not followed by another`);
  return { wrap, unwrap, rewrap };
}

/** What a conversation is told in each trouble, and after how long; and that it works again. */
async function troubles(server: TestedKms, kms: Kms) {
  const { text } = await kms.wrap(randomBytes(64));
  const found: Record<string, object> = {};
  for (const state of server.states) {
    await server.enter(state);
    const began = performance.now();
    const error: unknown = await kms.unwrap(text).then(
      () => undefined,
      (thrown: unknown) => thrown,
    );
    if (!(error instanceof PlatformError)) throw new Error(`${state}: it unwrapped`);
    found[state] = { retryable: error.retryable, told_after_ms: rounded(performance.now() - began) };
    await server.enter('up');
    await kms.unwrap(text);
  }
  return found;
}

const result: Record<string, object> = {
  local: await latencies(new LocalKms(KEY), async () => new LocalKms(`${KEY} and the next,${KEY}`)),
};
for (const [name, start] of Object.entries(realKmsServers(process.env))) {
  const server = await start();
  const kms = await openKms(KmsSettings.parse(server.settings), { key: KEY, token: server.token });
  try {
    const rotated = async () => {
      await server.rotate();
      return kms;
    };
    result[name] = { ...(await latencies(kms, rotated)), troubles: await troubles(server, kms) };
  } finally {
    kms.close();
    await server.close();
  }
}
const figures = { rounds: ROUNDS, cpus: cpus().length, node: process.version, servers: result };
writeFileSync(new URL('kms.json', import.meta.url), `${JSON.stringify(figures, null, 2)}\n`);
process.stdout.write(`${JSON.stringify(figures, null, 2)}\n`);
