import { BackendEnv, BackendList, createBackends } from '@mcp/model-backends';
import { createModelGateway, ServingEnv } from '@mcp/model-serving';
import { defineService } from '@mcp/service-kit';
import { manifest } from '../service.ts';
import { createApp } from './app.ts';

export const definition = defineService({
  manifest,
  config: BackendEnv.extend(ServingEnv.shape).extend({ MODEL_BACKENDS: BackendList }),
  async create(kit) {
    const backends = createBackends(kit.config.MODEL_BACKENDS, kit.config);
    const api = createModelGateway({ kit, backends, settings: kit.config });
    return {
      app: createApp(kit, api),
      api,
      async close() {
        await Promise.all(backends.map((backend) => backend.close()));
      },
    };
  },
});
