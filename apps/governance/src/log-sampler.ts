import { setTimeout as sleep } from 'node:timers/promises';
import { ownCall } from '@mcp/service-kit';
import type { GovernanceKit } from './kit.ts';

/** Samples are gathered to one call in so long. */
const EVERY_MS = 10_000;
const TIMEOUT_MS = 30_000;
/** What one call of the core takes. */
const MOST = 50;

interface SamplerOptions {
  readonly kit: GovernanceKit;
  readonly per_minute: number;
}

/** Has the core check logs that are picked at random, all the time, between the hourly checks of all of them. */
export class LogSampler {
  readonly #options: SamplerOptions;
  readonly #closing = new AbortController();
  readonly #running: Promise<void>;

  constructor(options: SamplerOptions) {
    this.#options = options;
    this.#running = options.per_minute === 0 ? Promise.resolve() : this.#run();
  }

  async close(): Promise<void> {
    this.#closing.abort();
    await this.#running;
  }

  async #run(): Promise<void> {
    const { signal } = this.#closing;
    const { kit, per_minute } = this.#options;
    // Seldom, where a call of one log would be too many.
    const conversations = Math.min(MOST, Math.max(1, Math.round((per_minute * EVERY_MS) / 60_000)));
    const every_ms = (conversations * 60_000) / per_minute;
    let said = false;
    for (;;) {
      await sleep(every_ms, undefined, { signal, ref: false }).catch(() => undefined);
      if (signal.aborted) return;
      try {
        await this.sample(conversations);
        said = false;
      } catch (err) {
        if (!said && !signal.aborted) kit.log.warn({ err }, 'logs cannot be sampled just now');
        said = true;
      }
    }
  }

  /** Checks so many once. Throws where the core cannot be asked. */
  async sample(conversations: number): Promise<void> {
    const { kit } = this.#options;
    const call = ownCall({ service: 'governance', timeout_ms: TIMEOUT_MS, scopes: ['admin'] });
    const signal = AbortSignal.any([call.signal, this.#closing.signal]);
    const { checked, unconfirmed, failures } = await kit.clients.core.sampleLogs(
      { conversations },
      { ...call, signal },
    );
    for (const { id, conversation_id, broken_at, reason } of failures)
      kit.log.error(
        { conversation_id: conversation_id ?? id, broken_at, reason },
        'a conversation log does not verify',
      );
    const counts = { ok: checked - unconfirmed - failures.length, unconfirmed, broken: failures.length };
    for (const [status, count] of Object.entries(counts))
      kit.metrics.inc('provenance_verifications_total', { status }, count);
  }
}
