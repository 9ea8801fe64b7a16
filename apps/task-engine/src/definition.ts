import { defineService } from '@mcp/service-kit';
import { z } from 'zod';
import { manifest } from '../service.ts';
import { createApp } from './app.ts';
import { JobStore } from './job-store.ts';
import { JobQueue } from './queue.ts';
import { createTaskEngine } from './service.ts';
import { Worker } from './worker.ts';

const DEPTH_EVERY_MS = 5000;
/** Of the drain time, what is left for jobs at work. */
const JOB_DRAIN_MS = 2000;

export const definition = defineService({
  manifest,
  config: z.object({
    MCP_JOB_MAX_ATTEMPTS: z.coerce.number().int().min(1).max(100).default(5),
    /** A job whose engine died is given to another after this long. */
    MCP_JOB_ACK_WAIT_MS: z.coerce.number().int().min(500).max(3_600_000).default(10_000),
    MCP_JOB_CONCURRENCY: z.coerce.number().int().min(1).max(256).default(4),
  }),
  async create(kit) {
    const { config } = kit;
    const bus = await kit.bus();
    const store = await JobStore.open(bus);
    const queue = await JobQueue.open(bus, config.MCP_JOB_ACK_WAIT_MS);
    const api = createTaskEngine({ kit, store, queue, max_attempts: config.MCP_JOB_MAX_ATTEMPTS });
    const worker = new Worker({
      kit,
      store,
      queue,
      concurrency: config.MCP_JOB_CONCURRENCY,
      max_attempts: config.MCP_JOB_MAX_ATTEMPTS,
      ack_wait_ms: config.MCP_JOB_ACK_WAIT_MS,
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
    return {
      app: createApp(kit, api, { bus: () => bus.check() }),
      api,
      async close() {
        clearInterval(depth);
        await worker.stop(JOB_DRAIN_MS);
        store.close();
      },
    };
  },
});
