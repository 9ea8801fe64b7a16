import { taskEngineEndpoints } from '@mcp/contracts';
import { apiApp, defineService } from '@mcp/service-kit';
import { manifest } from '../manifest.ts';
import { createTaskEngine } from './api.ts';
import { JobStore } from './job-store.ts';
import { PowerSignal } from './power-signal.ts';
import { JobQueue } from './queue.ts';
import { ResultStore } from './results.ts';
import { sweep } from './sweep.ts';
import { Worker } from './worker.ts';

const DEPTH_EVERY_MS = 5000;
/** Of the drain time, what is left for jobs at work. */
const JOB_DRAIN_MS = 2000;

export const definition = defineService({
  manifest,
  async create(kit) {
    const { config } = kit;
    const { MCP_OFF_PEAK: off_peak } = config;
    const bus = await kit.bus();
    const store = await JobStore.open(bus);
    const queue = await JobQueue.open(bus, config.MCP_JOB_ACK_WAIT_MS);
    const results = await ResultStore.open(bus, config.MCP_JOB_RESULTS_BYTES);
    const api = createTaskEngine({ kit, store, queue, results, max_attempts: config.MCP_JOB_MAX_ATTEMPTS });
    const worker = new Worker({
      kit,
      store,
      queue,
      results,
      concurrency: config.MCP_JOB_CONCURRENCY,
      max_attempts: config.MCP_JOB_MAX_ATTEMPTS,
      ack_wait_ms: config.MCP_JOB_ACK_WAIT_MS,
      off_peak,
      signal: off_peak?.signal && new PowerSignal(kit, off_peak.signal),
    });
    const depth = setInterval(() => {
      queue.depth().then(
        (now) => {
          for (const phase of ['pending', 'in_flight', 'dead'] as const)
            kit.metrics.set('job_queue_depth', { phase }, now[phase]);
        },
        () => undefined,
      );
    }, DEPTH_EVERY_MS);
    const sweeps = setInterval(() => {
      sweep({ store, queue, log: kit.log, still_ms: config.MCP_JOB_ACK_WAIT_MS }).catch(() => undefined);
    }, config.MCP_JOB_SWEEP_MS);
    return {
      app: apiApp({ kit, endpoints: taskEngineEndpoints, api, checks: { bus: () => bus.check() } }),
      api,
      async close() {
        clearInterval(depth);
        clearInterval(sweeps);
        await worker.stop(JOB_DRAIN_MS);
        store.close();
      },
    };
  },
});
