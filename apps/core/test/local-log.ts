import { generateKeyPairSync } from 'node:crypto';
import { PlatformError, type TransparencyLogApi } from '@mcp/contracts';
import { signManifest } from '@mcp/provenance/audit';
import { encodeVerifier, folderDisk, signerOf, TransparencyLog } from '@mcp/provenance/tlog';

/** A transparency log in a folder, as its service has it, in this process. */
export interface LocalLog {
  readonly api: TransparencyLogApi;
  /** Set: it answers nothing, as a service that is down. */
  away: boolean;
  close(): Promise<void>;
}

export async function openLocalLog(folder: string): Promise<LocalLog> {
  const signer = signerOf(generateKeyPairSync('ed25519').privateKey, {
    name: 'log.example/test',
    algorithm: 'ed25519',
  });
  const disk = folderDisk(folder);
  const log = await TransparencyLog.open({ disk, signer });
  const base64 = (hash: Buffer) => hash.toString('base64');
  const api: TransparencyLogApi = {
    async append({ entries }) {
      const indexes = await Promise.all(entries.map((entry) => log.append(Buffer.from(entry))));
      return { indexes, size: log.size };
    },
    async checkpoint() {
      await log.publish();
      const { checkpoint: note, published_size: size } = log;
      return { note, size, log_keys: [encodeVerifier(signer)], witness_keys: [] };
    },
    async inclusion({ index, size: asked }) {
      await log.publish();
      if (index >= log.size) throw new PlatformError('not_found', `The log has ${log.size} entries.`);
      const size = asked ?? log.published_size;
      const [hashes, root] = await Promise.all([log.inclusion(index, size), log.root(size)]);
      return { index, size, root: base64(root), hashes: hashes.map(base64), note: log.checkpoint };
    },
    consistency: async ({ from, to }) => ({ hashes: (await log.consistency(from, to)).map(base64) }),
    entry: async ({ index }) => ({ index, entry: (await log.entry(index)).toString() }),
    signAudit: async ({ manifest_sha256 }) => ({ note: signManifest(manifest_sha256, signer) }),
    changeKeys: async () => {
      throw new PlatformError('conflict', 'Its key stays.');
    },
    async *tile({ path }) {
      yield (await disk.read(path)) ?? Buffer.alloc(0);
    },
    anchors: async () => ({ anchors: [] }),
    identity: async () => ({ origin: signer.name, log_keys: [encodeVerifier(signer)], witness_key: '' }),
    cosign: async () => ({ status: 404, content_type: 'text/plain', body: 'It watches no log.\n' }),
    cosigned: async () => {
      throw new PlatformError('not_found', 'It watches no log.');
    },
    copied: async () => {
      throw new PlatformError('not_found', 'It keeps no copies.');
    },
    copiedTile: () => {
      throw new PlatformError('not_found', 'It keeps no copies.');
    },
  };
  const local: LocalLog = {
    away: false,
    close: () => log.close(),
    api: new Proxy(api, {
      get(target, name, receiver) {
        if (local.away) throw new PlatformError('unavailable', 'The transparency log is away.');
        return Reflect.get(target, name, receiver);
      },
    }),
  };
  return local;
}
