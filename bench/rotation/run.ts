/**
 * Twelve rotations of the log key while conversations go on, over the platform's real processes: what was rejected, and
 * whether every log and every proof bundle from before still verifies.
 * `node bench/rotation/run.ts [--rotations 12] [--workers 3] [--out bench/rotation/result.json]`
 */
import { execFileSync } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { cpus, tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { parseArgs } from 'node:util';
import { ChainVerdict, ChatResponse, KeyChanged, ProofBundle, PublishedKeys } from '@mcp/contracts';
import { trustedKeys, VerifiedKeys, verifyBundle } from '@mcp/provenance';
import { freePort } from '@mcp/testkit';
import { quantile } from '../stats.ts';

const { values } = parseArgs({
  options: {
    rotations: { type: 'string', default: '12' },
    workers: { type: 'string', default: '3' },
    out: { type: 'string' },
  },
});
const QUESTION = {
  modelA: 'scripted/alpha',
  modelB: 'scripted/beta',
  exchanges: 2,
  message: 'Why is the sky blue?',
};
const BETWEEN_MS = 1000;
/** How long a log that is on its way to the transparency log is asked for. */
const CONFIRM_MS = 60_000;

const dir = mkdtempSync(join(tmpdir(), 'mcp-rotation-'));
const port = await freePort();
const url = `http://127.0.0.1:${port}`;
const main = join(import.meta.dirname, '..', '..', 'tools', 'src', 'main.ts');
const mcp = (...args: string[]) =>
  execFileSync(process.execPath, [main, ...args, '--data', dir], { encoding: 'utf8' });

let key = '';
async function ask(path: string, body?: unknown): Promise<{ status: number; value: unknown }> {
  const answer = await fetch(`${url}${path}`, {
    method: body === undefined ? 'GET' : 'POST',
    headers: { authorization: `Bearer ${key}`, 'content-type': 'application/json' },
    ...(body === undefined ? {} : { body: JSON.stringify(body) }),
    signal: AbortSignal.timeout(CONFIRM_MS),
  });
  const text = await answer.text();
  return { status: answer.status, value: text === '' ? undefined : JSON.parse(text) };
}

const ids: string[] = [];
const refused: number[] = [];
let ended = false;
async function converse(): Promise<void> {
  const { status, value } = await ask('/chat', QUESTION);
  if (status === 200) ids.push(ChatResponse.parse(value).id);
  else refused.push(status);
}
async function work(): Promise<void> {
  while (!ended) await converse();
}

/** The verdict on a conversation once it is confirmed, or the last one before time was over. */
async function verdictOf(id: string): Promise<ChainVerdict> {
  for (const until_ms = Date.now() + CONFIRM_MS; ; await sleep(500)) {
    const verdict = ChainVerdict.parse((await ask(`/v1/conversations/${id}/verify`, {})).value);
    if (verdict.status !== 'unconfirmed' || Date.now() > until_ms) return verdict;
  }
}

async function bundleOf(id: string): Promise<unknown> {
  for (const until_ms = Date.now() + CONFIRM_MS; ; await sleep(500)) {
    const { status, value } = await ask(`/v1/conversations/${id}/proof`);
    if (status === 200 || Date.now() > until_ms) return value;
  }
}

try {
  mcp('start', '--models', 'scripted', '--port', String(port), '--detach');
  key = readFileSync(join(dir, 'secrets', 'admin.key'), 'utf8').trim();
  const workers = Array.from({ length: Number(values.workers) }, work);
  const bundles: unknown[] = [];
  const took_ms: number[] = [];
  for (let at = 0; at < Number(values.rotations); at++) {
    await sleep(BETWEEN_MS);
    while (ids.length === 0) await sleep(BETWEEN_MS);
    bundles.push(await bundleOf(ids.at(-1) ?? ''));
    const began_ms = performance.now();
    KeyChanged.parse((await ask('/admin/provenance/keys', { change: 'rotate' })).value);
    took_ms.push(performance.now() - began_ms);
  }
  await sleep(BETWEEN_MS);
  ended = true;
  await Promise.all(workers);
  const { history } = PublishedKeys.parse((await ask('/v1/provenance/keys')).value);
  const verified = VerifiedKeys.of(history);
  const verdicts: ChainVerdict[] = [];
  for (const id of ids) verdicts.push(await verdictOf(id));
  const offline = bundles.map((one) => {
    const bundle = ProofBundle.parse(one);
    return verifyBundle(bundle, {
      secret: undefined,
      history: verified,
      keys: trustedKeys(bundle.log_keys),
    });
  });
  const count = (list: readonly ChainVerdict[]) => list.filter(({ status }) => status === 'ok').length;
  const result = {
    cpus: cpus().length,
    rotations: took_ms.length,
    keys_in_history: history.keys.length,
    rotation_ms: { median: Math.round(quantile(took_ms, 0.5)), most: Math.round(Math.max(...took_ms)) },
    conversations: ids.length + refused.length,
    rejected: refused.length,
    logs: { checked: verdicts.length, ok: count(verdicts), signed_by_keys: signers(verdicts) },
    bundles_offline: { checked: offline.length, ok: count(offline), signed_by_keys: signers(offline) },
  };
  const text = `${JSON.stringify(result, null, 2)}\n`;
  process.stdout.write(text);
  if (values.out !== undefined) writeFileSync(values.out, text);
} finally {
  ended = true;
  mcp('stop');
  rmSync(dir, { recursive: true, force: true });
}

/** How many keys the logs are signed with. */
function signers(verdicts: readonly ChainVerdict[]): number {
  return new Set(verdicts.flatMap(({ key_id }) => key_id ?? [])).size;
}
