import type { CoreKit } from '../kit.ts';
import type { DataKeys } from './data-keys.ts';

const EVERY_MS = 30_000;

/** Looks whether the key management service is there before somebody needs it, and says for how long one can do without. */
export class KmsWatch {
  readonly #keys: Pick<DataKeys, 'probe' | 'cachedUntil_s'>;
  readonly #metrics: CoreKit['metrics'];
  readonly #timer: NodeJS.Timeout;

  constructor(keys: Pick<DataKeys, 'probe' | 'cachedUntil_s'>, metrics: CoreKit['metrics']) {
    this.#keys = keys;
    this.#metrics = metrics;
    this.#timer = setInterval(() => void this.#look(), EVERY_MS).unref();
    void this.#look();
  }

  close(): void {
    clearInterval(this.#timer);
  }

  async #look(): Promise<void> {
    this.#metrics.set('kms_up', {}, (await this.#keys.probe()) ? 1 : 0);
    this.#metrics.set('data_keys_cached_until_timestamp_seconds', {}, this.#keys.cachedUntil_s);
  }
}
