import {
  GatewayReport,
  LIVE_SUBJECTS,
  type ModelGatewayApi,
  QueueReport,
  type QueueStatus,
  type RequestFigures,
} from '@mcp/contracts';
import { sumByModel } from '@mcp/model-serving';
import { Reports, type ServiceKit } from '@mcp/service-kit';
import { gatewayCall } from '../models.ts';
import { type LiveStats, merge } from './stats.ts';

const TIMEOUT_MS = 1000;

interface LiveOptions {
  readonly bus: ServiceKit['bus'];
  readonly stats: LiveStats;
  readonly inference: () => ModelGatewayApi;
  /** Models that this gateway asks itself, where there are any. */
  readonly here: ModelGatewayApi | undefined;
}

/** Live figures of the platform: of all gateways and all model-gateways of the region, whichever of them is asked. */
export class LiveFigures {
  readonly #options: LiveOptions;
  readonly #gateways;
  readonly #queues;

  constructor(options: LiveOptions) {
    this.#options = options;
    const { bus, stats, here } = options;
    this.#gateways = new Reports({
      bus,
      subject: LIVE_SUBJECTS.gateway,
      schema: GatewayReport,
      own: () => stats.report(),
      listen: true,
    });
    this.#queues = new Reports({
      bus,
      subject: LIVE_SUBJECTS.queues,
      schema: QueueReport,
      listen: true,
      ...(here === undefined ? {} : { own: async () => ({ queues: [...(await queuesOf(here))] }) }),
    });
  }

  requests(): RequestFigures {
    return merge([this.#options.stats.report(), ...this.#gateways.others()]);
  }

  /** Queues by model, over all replicas; while none of them is heard, those of the one that answers. */
  async queues(): Promise<readonly QueueStatus[]> {
    const { here, inference } = this.#options;
    const reports = this.#queues.others();
    if (reports.length === 0) return queuesOf(inference()).catch(() => []);
    const own = here === undefined ? [] : await queuesOf(here).catch(() => []);
    return sumByModel([...own, ...reports.flatMap(({ queues }) => queues)]);
  }

  close(): void {
    this.#gateways.close();
    this.#queues.close();
  }
}

function queuesOf(api: ModelGatewayApi): Promise<readonly QueueStatus[]> {
  return api.queues(gatewayCall(TIMEOUT_MS));
}
