/** Reads the whole log over, again and again: what was changed on its disk is seen while it runs, not at the next start. */
import { setTimeout as sleep } from 'node:timers/promises';
import { checkLog, type LogVerdict } from '@mcp/provenance/tlog';
import type { LogKeeper } from './keeper.ts';
import type { TransparencyLogKit } from './kit.ts';

interface SelfCheckOptions {
  readonly kit: Pick<TransparencyLogKit, 'log' | 'metrics'>;
  readonly keeper: LogKeeper;
  /** 0: it is not checked. */
  readonly every_ms: number;
}

export class SelfCheck {
  readonly #options: SelfCheckOptions;
  readonly #closing = new AbortController();

  constructor(options: SelfCheckOptions) {
    this.#options = options;
    if (options.every_ms > 0) void this.#run();
  }

  /** A check that is under way is not waited for: it only reads. */
  close(): void {
    this.#closing.abort();
  }

  async #run(): Promise<void> {
    const { signal } = this.#closing;
    for (;;) {
      await sleep(this.#options.every_ms, undefined, { signal, ref: false }).catch(() => undefined);
      if (signal.aborted) return;
      await this.#once();
    }
  }

  async #once(): Promise<void> {
    const { kit, keeper } = this.#options;
    if (keeper.read_only !== undefined) return;
    try {
      // The log is written to meanwhile: what does not fit is looked at a second time before it counts.
      const verdict = (await this.#verdict()).ok ? { ok: true as const } : await this.#verdict();
      if (this.#closing.signal.aborted) return;
      kit.metrics.inc('transparency_log_checks_total', { status: verdict.ok ? 'ok' : 'broken' });
      if (!verdict.ok) await keeper.quarantine(verdict.reason);
    } catch (err) {
      if (this.#closing.signal.aborted) return;
      kit.metrics.inc('transparency_log_checks_total', { status: 'failed' });
      kit.log.error({ err }, 'the transparency log cannot be read over; it is tried again');
    }
  }

  #verdict(): Promise<LogVerdict> {
    const { disk, keys } = this.#options.keeper;
    return checkLog({ disk, log: keys.verifiers() });
  }
}
