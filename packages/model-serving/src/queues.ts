import type { BatchTerms } from '@mcp/contracts';
import { ModelQueue } from './queue.ts';
import type { ServingMetrics } from './serving.ts';

interface QueuesOptions {
  readonly metrics: ServingMetrics;
  readonly max_waiting: number;
  readonly weights: Readonly<Record<string, number>>;
  readonly batch: BatchTerms;
}

/** A queue per model, made when the model is first asked; its lengths are metrics. */
export class Queues {
  readonly #options: QueuesOptions;
  readonly #queues = new Map<string, ModelQueue>();

  constructor(options: QueuesOptions) {
    this.#options = options;
  }

  of(model: string): ModelQueue {
    const known = this.#queues.get(model);
    if (known !== undefined) return known;
    const { metrics, max_waiting, weights, batch } = this.#options;
    const queue = new ModelQueue({ model, max_waiting, weights, batch }, (status) => {
      metrics.set('queue_depth', { model, class: 'running' }, status.running);
      metrics.set('queue_depth', { model, class: 'interactive' }, status.waiting_interactive);
      metrics.set('queue_depth', { model, class: 'batch' }, status.waiting_batch);
    });
    this.#queues.set(model, queue);
    return queue;
  }
}
