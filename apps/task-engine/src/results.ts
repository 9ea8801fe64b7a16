import { createHash } from 'node:crypto';
import { Readable } from 'node:stream';
import { PlatformError } from '@mcp/contracts';
import type { Bus } from '@mcp/service-kit';
import { MOST_DAYS_ON_BUS } from './job-store.ts';

type Objects = Awaited<ReturnType<Bus['objects']>>;
type ObjectInfo = NonNullable<Awaited<ReturnType<Objects['info']>>>;

const BUCKET = 'mcp_job_results';
/** Retention erases them with their jobs, long before; what a crash left without a job leaves by this. */
const KEEP_NS = MOST_DAYS_ON_BUS * 24 * 3600 * 1e9;
const CHUNK_BYTES = 128 * 1024;
const CHUNKS_AT_ONCE = 8;
/** Results up to this size travel with the job too. */
const MAX_INLINE_CHARS = 64 * 1024;

/** What of a result is to be fetched, as the job tells it. */
interface StoredResult {
  readonly href: string;
  readonly content_type: string;
  readonly size_bytes: number;
  readonly sha256: string;
  /** The content itself, where it is short. */
  readonly content?: string;
}

/** Results of jobs, and what an attempt has finished so far, on the event bus: any engine can read and go on with them. */
export class ResultStore {
  readonly #bus: Bus;
  readonly #objects: Objects;

  private constructor(bus: Bus, objects: Objects) {
    this.#bus = bus;
    this.#objects = objects;
  }

  static async open(bus: Bus, max_bytes: number): Promise<ResultStore> {
    return new ResultStore(bus, await bus.objects(BUCKET, { ttl: KEEP_NS, max_bytes, storage: 'file' }));
  }

  /** Stores a result of any length as it comes; an earlier one of the same job is replaced. */
  async put(job_id: string, content_type: string, pieces: AsyncIterable<string>): Promise<StoredResult> {
    const hash = createHash('sha256');
    let size_bytes = 0;
    let start = '';
    async function* chunks(): AsyncGenerator<Uint8Array> {
      let gathered = '';
      const take = (): Uint8Array => {
        const bytes = Buffer.from(gathered);
        hash.update(bytes);
        size_bytes += bytes.byteLength;
        gathered = '';
        return bytes;
      };
      for await (const piece of pieces) {
        gathered += piece;
        if (start.length <= MAX_INLINE_CHARS) start += piece;
        if (gathered.length >= CHUNK_BYTES) yield take();
      }
      yield take();
    }
    await this.#write(job_id, chunks());
    return {
      href: `/v1/jobs/${job_id}/result`,
      content_type,
      size_bytes,
      sha256: hash.digest('hex'),
      ...(start.length > MAX_INLINE_CHARS ? {} : { content: start }),
    };
  }

  /** The content of a result. Throws `not_found` when it is kept no longer. */
  async *read(job_id: string): AsyncGenerator<Uint8Array> {
    const found = await this.#find(job_id);
    if (found === undefined)
      throw new PlatformError(
        'not_found',
        `The result of job ${job_id} is not kept any more: results are kept as long as their jobs. Create the job again.`,
      );
    yield* this.#chunks(found);
  }

  /** Keeps what part of a job gave, for the next attempt on any machine. */
  async keepPart(job_id: string, part: number, text: string): Promise<void> {
    async function* whole(): AsyncGenerator<Uint8Array> {
      yield Buffer.from(text);
    }
    await this.#write(partName(job_id, part), whole());
  }

  async part(job_id: string, part: number): Promise<string | undefined> {
    const found = await this.#find(partName(job_id, part));
    if (found === undefined) return undefined;
    const chunks: Uint8Array[] = [];
    for await (const chunk of this.#chunks(found)) chunks.push(chunk);
    return Buffer.concat(chunks).toString();
  }

  /** Erases a result, and what is left of so many parts. */
  async drop(job_id: string, parts: number): Promise<void> {
    if ((await this.#find(job_id)) !== undefined) await this.#objects.delete(job_id);
    await this.dropParts(job_id, parts);
  }

  /** Stores a result again, so that it is as new to the event bus. */
  async renew(job_id: string): Promise<void> {
    const found = await this.#find(job_id);
    if (found !== undefined) await this.#write(job_id, this.#chunks(found));
  }

  async dropParts(job_id: string, count: number): Promise<void> {
    for (let part = 0; part < count; part++)
      await this.#objects.delete(partName(job_id, part)).catch(() => undefined);
  }

  async #find(name: string): Promise<ObjectInfo | undefined> {
    try {
      const info = await this.#objects.info(name);
      return info === null || info.deleted ? undefined : info;
    } catch (cause) {
      throw away(cause);
    }
  }

  /** A few chunks at a time, as fast as they are taken; the library's own `get` reads ahead without bound. */
  async *#chunks({ nuid, size }: ObjectInfo): AsyncGenerator<Uint8Array> {
    let left = size;
    for (let seq = 1; left > 0; ) {
      const before = left;
      try {
        const messages = await this.#bus.manager.direct.getBatch(`OBJ_${BUCKET}`, {
          seq,
          batch: CHUNKS_AT_ONCE,
          next_by_subj: `$O.${BUCKET}.C.${nuid}`,
        });
        for await (const message of messages) {
          seq = message.seq + 1;
          left -= message.data.byteLength;
          yield message.data;
        }
      } catch (cause) {
        throw away(cause);
      }
      if (left === before) throw away(new Error('a part of the result is missing'));
    }
  }

  async #write(name: string, chunks: AsyncGenerator<Uint8Array>): Promise<void> {
    let failure: { readonly error: unknown } | undefined;
    async function* watched(): AsyncGenerator<Uint8Array> {
      try {
        yield* chunks;
      } catch (error) {
        failure = { error };
        throw error;
      }
    }
    const source = Readable.toWeb(Readable.from(watched())) as ReadableStream<Uint8Array>;
    try {
      await this.#objects.put({ name, options: { max_chunk_size: CHUNK_BYTES } }, source);
    } catch (cause) {
      if (failure !== undefined) throw failure.error;
      if (cause instanceof Error && /maximum bytes/i.test(cause.message))
        throw new PlatformError(
          'overloaded',
          'The store for results of jobs is full. Raise MCP_JOB_RESULTS_BYTES, or wait until older results are erased (job_days).',
          { cause, retry_after_ms: 60_000 },
        );
      throw away(cause);
    }
  }
}

function partName(job_id: string, part: number): string {
  return `${job_id}/${part}`;
}

function away(cause: unknown): PlatformError {
  return new PlatformError(
    'unavailable',
    'The store for results of jobs does not answer just now. Try again in a few seconds.',
    { cause, retry_after_ms: 2000 },
  );
}
