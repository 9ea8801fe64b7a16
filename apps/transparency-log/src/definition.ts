import { join } from 'node:path';
import { transparencyLogEndpoints } from '@mcp/contracts';
import { apiApp, defineService } from '@mcp/service-kit';
import { manifest } from '../manifest.ts';
import { logApi } from './api.ts';
import { LogKeeper } from './keeper.ts';
import { signerFrom } from './key.ts';
import { CheckpointMemory } from './memory.ts';

export const definition = defineService({
  manifest,
  async create(kit) {
    const { MCP_LOG_ORIGIN: origin, MCP_LOG_SIGNING_SECRET: secret } = kit.config;
    const keeper = await LogKeeper.open({
      kit,
      folder: join(kit.data_dir, 'transparency-log'),
      signer: signerFrom(secret, origin),
    });
    const memory = new CheckpointMemory({ kit, keeper });
    const api = logApi(keeper);
    const app = apiApp({
      kit,
      endpoints: transparencyLogEndpoints,
      api,
      checks: { log: async () => keeper.check() },
    });
    const close = async () => {
      memory.close();
      await keeper.close();
    };
    return { app, api, close };
  },
});
