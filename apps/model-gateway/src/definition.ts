import { LIVE_SUBJECTS, QueueReport } from '@mcp/contracts';
import { createBackends } from '@mcp/model-backends';
import { createModelGateway, SharedEnergy } from '@mcp/model-serving';
import { defineService, Reports } from '@mcp/service-kit';
import { manifest } from '../manifest.ts';
import { createApp, probe } from './app.ts';

export const definition = defineService({
  manifest,
  async create(kit) {
    const backends = await createBackends(kit.config.MODEL_BACKENDS, kit.config);
    const shared = new SharedEnergy({ kit, bus: kit.bus });
    const api = createModelGateway({ kit, backends, settings: kit.config, shared });
    const queues = new Reports({
      bus: kit.bus,
      subject: LIVE_SUBJECTS.queues,
      schema: QueueReport,
      own: async () => ({ queues: [...(await api.queues(probe()))] }),
      listen: false,
    });
    return {
      app: createApp(kit, api),
      api,
      async close() {
        queues.close();
        await shared.close();
        await Promise.all(backends.map((backend) => backend.close()));
      },
    };
  },
});
