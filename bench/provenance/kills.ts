/** The real service, killed by SIGKILL under load and started again on its folder: what it acknowledged is there. */
import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdirSync, mkdtempSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import type { LogCheckpoint, LogInclusion, Principal } from '@mcp/contracts';
import { callerHeaders, freePort, testIdentities } from '@mcp/testkit';
import {
  bundlePath,
  checkLog,
  type Disk,
  decodeBundle,
  decodeVerifier,
  folderDisk,
  leafHash,
  openCheckpoint,
  provesConsistency,
  provesInclusion,
  TILE_WIDTH,
} from '../../packages/provenance/src/tlog/index.ts';
import { mulberry32 } from '../stats.ts';
import type { Task } from './tamperings.ts';

const ROOT = join(import.meta.dirname, '../..');
const WHO: Principal = { id: 'bench', kind: 'service', name: 'bench', scopes: [] };
const CALLERS = 8;
const BATCH = 20;
const READY_MS = 60_000;

class Service {
  readonly #process: ChildProcess;
  readonly #url: string;

  private constructor(process_: ChildProcess, url: string) {
    this.#process = process_;
    this.#url = url;
  }

  static async start(folder: string): Promise<Service> {
    const port = await freePort();
    const child = spawn(process.execPath, [join(ROOT, 'apps/transparency-log/src/main.ts')], {
      env: {
        PATH: process.env.PATH,
        ...testIdentities(),
        MCP_DATA: folder,
        MCP_HOST: '127.0.0.1',
        MCP_TRANSPARENCY_LOG_PORT: String(port),
        MCP_METRICS_PORT: '0',
        MCP_LOG_LEVEL: 'error',
        MCP_NATS_URL: 'nats://127.0.0.1:9',
        MCP_LOG_ORIGIN: 'log.example/kills',
        MCP_LOG_SIGNING_SECRET: 'a secret of the transparency log for this benchmark',
      },
      stdio: ['ignore', 'ignore', 'inherit'],
    });
    const service = new Service(child, `http://127.0.0.1:${port}`);
    for (const until = Date.now() + READY_MS; ; await sleep(20)) {
      if (child.exitCode !== null || Date.now() > until) throw new Error('The service does not start.');
      const alive = await service.get('/internal/checkpoint').catch(() => undefined);
      if (alive !== undefined) return service;
    }
  }

  async get<T>(path: string): Promise<T> {
    const response = await fetch(this.#url + path, {
      headers: await callerHeaders('core', 'transparency-log', WHO),
    });
    if (!response.ok) throw new Error(`${path} answers ${response.status}`);
    return (await response.json()) as T;
  }

  async append(entries: readonly string[]): Promise<readonly number[]> {
    const response = await fetch(`${this.#url}/internal/entries`, {
      method: 'POST',
      headers: {
        ...(await callerHeaders('core', 'transparency-log', WHO)),
        'content-type': 'application/json',
      },
      body: JSON.stringify({ entries }),
    });
    if (response.status !== 201) throw new Error(`an append answers ${response.status}`);
    return ((await response.json()) as { readonly indexes: number[] }).indexes;
  }

  async kill(): Promise<void> {
    const gone = once(this.#process, 'exit');
    this.#process.kill('SIGKILL');
    await gone;
  }
}

interface LoadOptions {
  readonly until: AbortSignal;
  /** Which process it is, for the entries. */
  readonly run: number;
}

/** Appends until the process dies; what it acknowledged is written down. */
async function load(service: Service, acknowledged: Map<number, string>, { until, run }: LoadOptions) {
  const caller = async (who: number) => {
    for (let n = 0; !until.aborted; n++) {
      const texts = Array.from({ length: BATCH }, (_, at) => `${run}/${who}/${n}/${at}`);
      const indexes = await service.append(texts).catch(() => undefined);
      if (indexes === undefined) return;
      for (const [at, index] of indexes.entries()) acknowledged.set(index, texts[at] as string);
    }
  };
  await Promise.all(Array.from({ length: CALLERS }, (_, who) => caller(who)));
}

export async function killUnderLoad({ seed, count }: Task) {
  const random = mulberry32(seed);
  const data = join(import.meta.dirname, 'data');
  mkdirSync(data, { recursive: true });
  const folder = mkdtempSync(join(data, 'kills-'));
  const acknowledged = new Map<number, string>();
  let promised: ReturnType<typeof openCheckpoint> | undefined;
  let checked = 0;
  try {
    let service = await Service.start(folder);
    const { log_keys } = await service.get<LogCheckpoint>('/internal/checkpoint');
    const key = decodeVerifier(log_keys[0] ?? '');
    for (let run = 0; run < count; run++) {
      const killed = new AbortController();
      const loaded = load(service, acknowledged, { until: killed.signal, run });
      await sleep(30 + random() * 300);
      promised = await service.get<LogCheckpoint>('/internal/checkpoint').then(
        ({ note }) => openCheckpoint(note, key),
        () => promised,
      );
      await service.kill();
      killed.abort();
      await loaded;
      service = await Service.start(folder);
      await proven(service, promised, key);
      const last = [...acknowledged].at(-1);
      if (last !== undefined) await included(service, last, key);
      checked++;
    }
    await service.kill();
    const disk = folderDisk(join(folder, 'transparency-log'));
    const remembered = promised === undefined ? [] : [promised];
    const verdict = await checkLog({ disk, log: key, remembered });
    return {
      kills: checked,
      acknowledged_entries: acknowledged.size,
      lost: await lostOf(disk, acknowledged, verdict.ok ? verdict.size : 0),
      whole_log: verdict.ok ? 'verifies' : verdict.reason,
    };
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
}

/** How many of the acknowledged entries are not where they were said to be. */
async function lostOf(disk: Disk, acknowledged: ReadonlyMap<number, string>, size: number): Promise<number> {
  let found = 0;
  for (let at = 0; at < size; at += TILE_WIDTH) {
    const width = Math.min(TILE_WIDTH, size - at);
    const bytes = await disk.read(bundlePath(at / TILE_WIDTH, width));
    const entries = bytes === undefined ? [] : decodeBundle(bytes, width);
    for (const [n, entry] of entries.entries()) if (acknowledged.get(at + n) === entry.toString()) found++;
  }
  return acknowledged.size - found;
}

/** What was signed before the kill is the beginning of what is there. */
async function proven(
  service: Service,
  old: ReturnType<typeof openCheckpoint> | undefined,
  key: ReturnType<typeof decodeVerifier>,
): Promise<void> {
  if (old === undefined) return;
  const current = openCheckpoint((await service.get<LogCheckpoint>('/internal/checkpoint')).note, key);
  const { hashes } = await service.get<{ hashes: string[] }>(
    `/internal/consistency?from=${old.size}&to=${current.size}`,
  );
  const proof = hashes.map((hash) => Buffer.from(hash, 'base64'));
  if (!provesConsistency(proof, { old, current }))
    throw new Error('What was signed is not the beginning of what is there.');
}

async function included(
  service: Service,
  [index, text]: readonly [number, string],
  key: ReturnType<typeof decodeVerifier>,
): Promise<void> {
  const given = await service.get<LogInclusion>(`/internal/inclusion?index=${index}`);
  const { size, root } = openCheckpoint(given.note, key);
  const proof = given.hashes.map((hash) => Buffer.from(hash, 'base64'));
  if (!provesInclusion(proof, { leaf: leafHash(Buffer.from(text)), index, size, root }))
    throw new Error(`Entry ${index} is not proven.`);
}
