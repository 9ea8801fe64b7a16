import { join } from 'node:path';
import { transparencyLogEndpoints } from '@mcp/contracts';
import { apiApp, defineService } from '@mcp/service-kit';
import { manifest } from '../manifest.ts';
import { Anchoring } from './anchoring.ts';
import { logApi } from './api.ts';
import { Cosigners } from './cosigners.ts';
import { LogKeeper } from './keeper.ts';
import { signerFrom, witnessFrom } from './key.ts';
import { CheckpointMemory } from './memory.ts';
import { Peers } from './peers.ts';
import { SelfCheck } from './self-check.ts';
import { Witness } from './witness.ts';

export const definition = defineService({
  manifest,
  async create(kit) {
    const { MCP_LOG_ORIGIN: origin, MCP_LOG_SIGNING_SECRET: secret } = kit.config;
    const every_ms = kit.config.MCP_LOG_SELF_CHECK_MS;
    const keeper = await LogKeeper.open({
      kit,
      folder: join(kit.data_dir, 'transparency-log'),
      signer: signerFrom(secret, origin),
    });
    const { disk } = keeper;
    const peers = await Peers.open({ kit, disk });
    const witness = new Witness({
      kit,
      disk,
      signer: witnessFrom(secret, origin),
      keysOf: (log) => peers.keysOf(log),
    });
    const cosigners = await Cosigners.open({ kit, keeper, peers });
    const anchoring = await Anchoring.open({ kit, keeper });
    const memory = new CheckpointMemory({ kit, keeper });
    const check = new SelfCheck({ kit, keeper, every_ms });
    const api = logApi({ keeper, peers, witness, cosigners, anchoring });
    const app = apiApp({
      kit,
      endpoints: transparencyLogEndpoints,
      api,
      checks: { log: async () => keeper.check() },
    });
    const close = async () => {
      check.close();
      memory.close();
      await Promise.all([cosigners.close(), anchoring.close()]);
      await keeper.close();
    };
    return { app, api, close };
  },
});
