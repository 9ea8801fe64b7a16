/** This service as a witness of other logs: it cosigns what goes on from what it cosigned before, which it has on its disk. */
import { hash } from 'node:crypto';
import { PlatformError, type WitnessAnswer } from '@mcp/contracts';
import { type Disk, judgeSubmission, type Signer, type Verifier } from '@mcp/provenance/tlog';
import type { TransparencyLogKit } from './kit.ts';

/** Submissions that wait for the disk at most. */
const MAX_WAITING = 64;

interface WitnessDeps {
  readonly kit: Pick<TransparencyLogKit, 'log' | 'metrics'>;
  readonly disk: Disk;
  readonly signer: Signer;
  /** The keys of a log that it watches; none: it does not. */
  keysOf(origin: string): readonly Verifier[];
}

/** What a log is called in paths: the hash of its origin. */
export function logId(origin: string): string {
  return hash('sha256', origin);
}

/** It becomes part of a path. */
const LOG_ID = /^[0-9a-f]{64}$/;
const pathOf = (log_id: string) => `witness/${log_id}`;

export class Witness {
  readonly #deps: WitnessDeps;
  #turn: Promise<unknown> = Promise.resolve();
  #waiting = 0;

  constructor(deps: WitnessDeps) {
    this.#deps = deps;
  }

  get signer(): Signer {
    return this.#deps.signer;
  }

  /** Answers a submission as C2SP tlog-witness has it. Throws `overloaded`, `unavailable`. */
  async add(submission: string): Promise<WitnessAnswer> {
    if (this.#waiting >= MAX_WAITING)
      throw new PlatformError(
        'overloaded',
        `${MAX_WAITING} checkpoints wait for this witness. Try again in a moment.`,
        {
          retry_after_ms: 1000,
        },
      );
    this.#waiting++;
    // One after the other: between what was cosigned last and what is written nothing else may come.
    const answered = this.#turn.then(() => this.#judge(submission));
    this.#turn = answered.catch(() => undefined);
    try {
      const answer = await answered;
      this.#deps.kit.metrics.inc('transparency_log_witness_answers_total', { status: String(answer.status) });
      return answer;
    } catch (cause) {
      this.#deps.kit.log.error({ err: cause }, 'the witness cannot read or write its disk');
      throw new PlatformError('unavailable', 'The witness cannot use its disk. Try again in a moment.', {
        retry_after_ms: 1000,
        cause,
      });
    } finally {
      this.#waiting--;
    }
  }

  /** The newest checkpoint of a log that it cosigned, with both signatures. */
  async checkpoint(log_id: string): Promise<string> {
    const note = await this.newest(log_id);
    if (note !== undefined) return note;
    throw new PlatformError('not_found', 'This witness has cosigned nothing of that log.');
  }

  /** The same; undefined: it has cosigned none. */
  async newest(log_id: string): Promise<string | undefined> {
    return LOG_ID.test(log_id) ? (await this.#deps.disk.read(pathOf(log_id)))?.toString() : undefined;
  }

  async #judge(submission: string): Promise<WitnessAnswer> {
    const { disk, signer, kit, keysOf } = this.#deps;
    const judged = await judgeSubmission(submission, {
      signer,
      keysOf,
      lastOf: async (origin) => (await disk.read(pathOf(logId(origin))))?.toString(),
      now_s: Math.floor(Date.now() / 1000),
    });
    switch (judged.status) {
      case 200:
        await disk.replace(pathOf(logId(judged.origin)), Buffer.from(judged.note));
        return { status: 200, content_type: 'text/plain', body: judged.cosignature };
      case 409:
        return { status: 409, content_type: 'text/x.tlog.size', body: `${judged.size}\n` };
      case 422:
        if (judged.two_histories) {
          kit.metrics.set('transparency_log_witnessed_two_histories', {}, 1);
          kit.log.fatal({ submission }, 'a log that is witnessed here has signed two histories');
        }
        return { status: 422, content_type: 'text/plain', body: `${judged.reason}\n` };
      case 400:
      case 403:
      case 404:
        return { status: judged.status, content_type: 'text/plain', body: `${judged.reason}\n` };
      default:
        return judged satisfies never;
    }
  }
}
