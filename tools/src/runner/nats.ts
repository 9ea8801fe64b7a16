import { mkdirSync, writeFileSync } from 'node:fs';
import type { DataPaths } from '../paths.ts';
import type { ProcessSpec } from './managed-process.ts';
import { probeNats } from './probe.ts';

const MAX_PAYLOAD_BYTES = 8 * 1024 * 1024;
/** What the local event bus may store. */
export const NATS_STORAGE_BYTES = 10 * 1024 * 1024 * 1024;

/**
 * Holds a program on a supervision: it is stopped when this shell's stdin ends, which happens when the runner ends
 * in any way. nats-server cannot watch its parent itself.
 */
const LEASH = [
  'exec 3<&0',
  '"$0" "$@" </dev/null & program=$!',
  "trap 'kill -TERM $program 2>/dev/null' TERM INT HUP",
  '{ read -r _ <&3; kill -TERM $program; } 2>/dev/null & watcher=$!',
  'wait $program; code=$?',
  // A trapped signal ends the first wait; the second one is for the program itself.
  'wait $program 2>/dev/null && code=0',
  'kill $watcher 2>/dev/null',
  'exit $code',
].join('\n');

/** How the local event bus is run: JetStream that syncs every write, one user, this machine only. */
export function natsSpec(options: {
  binary: string;
  port: number;
  password: string;
  paths: DataPaths;
  env: Readonly<Record<string, string>>;
}): ProcessSpec {
  const { paths, port } = options;
  mkdirSync(paths.nats, { recursive: true, mode: 0o700 });
  writeFileSync(paths.nats_config, natsConfig(options), { mode: 0o600 });
  const args = ['-c', paths.nats_config];
  const windows = process.platform === 'win32';
  return {
    name: 'nats',
    command: windows ? options.binary : '/bin/sh',
    args: windows ? args : ['-c', LEASH, options.binary, ...args],
    env: options.env,
    cwd: paths.dir,
    url: `nats://127.0.0.1:${port}`,
    log: `${paths.logs}/nats.log`,
    supervision: 'stdin',
    probe: () => probeNats(port),
  };
}

/** The generated configuration. `sync_interval: always`: an acknowledged message is on disk. */
export function natsConfig(options: { port: number; password: string; paths: DataPaths }): string {
  return `# Written by \`mcp start\` each time.
host: "127.0.0.1"
port: ${options.port}
server_name: "mcp-local"
max_payload: ${MAX_PAYLOAD_BYTES}
jetstream {
  store_dir: ${JSON.stringify(options.paths.nats)}
  sync_interval: always
  max_memory_store: 64MB
  max_file_store: ${NATS_STORAGE_BYTES}
}
authorization {
  user: "mcp"
  password: ${JSON.stringify(options.password)}
}
`;
}
