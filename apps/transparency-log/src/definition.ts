import { join } from 'node:path';
import { transparencyLogEndpoints } from '@mcp/contracts';
import { apiApp, defineService } from '@mcp/service-kit';
import { manifest } from '../manifest.ts';
import { Anchoring } from './anchoring.ts';
import { logApi } from './api.ts';
import { Acknowledged } from './copies/acknowledged.ts';
import { KeptCopies } from './copies/kept.ts';
import { CopySender } from './copies/sender.ts';
import { Cosigners } from './cosigners.ts';
import { LogKeeper } from './keeper.ts';
import { signerFrom, witnessFrom } from './key.ts';
import type { TransparencyLogKit } from './kit.ts';
import { LogKeys } from './log-keys.ts';
import { CheckpointMemory } from './memory.ts';
import { Peers } from './peers.ts';
import { SelfCheck } from './self-check.ts';
import { Witness } from './witness.ts';

export const definition = defineService({
  manifest,
  async create(kit) {
    const { MCP_LOG_ORIGIN: origin, MCP_LOG_SIGNING_SECRET: secret } = kit.config;
    const every_ms = kit.config.MCP_LOG_SELF_CHECK_MS;
    const folder = join(kit.data_dir, 'transparency-log');
    const keeper = await LogKeeper.open({
      kit,
      folder,
      keysOn: (disk) => LogKeys.open({ kit, disk, secret, first: signerFrom(secret, origin) }),
    });
    const { disk } = keeper;
    const peers = await Peers.open({ kit, disk });
    const witness = new Witness({
      kit,
      disk,
      signer: witnessFrom(secret, origin),
      keysOf: (log) => peers.keysOf(log),
    });
    const copiesElsewhere = sendCopies(kit, keeper);
    const cosigners = await Cosigners.open({ kit, keeper, peers, settled: copiesElsewhere.settled });
    const anchoring = await Anchoring.open({ kit, keeper });
    const copies = new KeptCopies({ kit, folder, peers, witness });
    const memory = new CheckpointMemory({ kit, keeper });
    const check = new SelfCheck({ kit, keeper, every_ms });
    const api = logApi({ keeper, peers, witness, cosigners, anchoring, copies });
    const app = apiApp({
      kit,
      endpoints: transparencyLogEndpoints,
      api,
      checks: { log: async () => keeper.check() },
    });
    const close = async () => {
      check.close();
      memory.close();
      copiesElsewhere.close();
      await Promise.all([cosigners.close(), anchoring.close(), copies.close()]);
      await keeper.close();
    };
    return { app, api, close };
  },
});

interface CopiesElsewhere {
  settled(): number | undefined;
  close(): void;
}

/** Sends entries to the regions that keep a copy; where none does, nothing leaves. */
function sendCopies(kit: TransparencyLogKit, keeper: LogKeeper): CopiesElsewhere {
  const peers = kit.config.MCP_LOG_PEERS.filter(({ keeps_ours }) => keeps_ours);
  if (peers.length === 0) return { settled: () => undefined, close: () => undefined };
  const acknowledged = new Acknowledged({ kit, keeper, peers });
  const sender = new CopySender({
    kit,
    keeper,
    acknowledged,
    max_bytes: kit.config.MCP_LOG_COPY_STREAM_BYTES,
  });
  return {
    settled: () => acknowledged.settled,
    close() {
      sender.close();
      acknowledged.close();
    },
  };
}
