import { parseArgs } from 'node:util';
import { AssetError } from './errors.ts';
import { AssetStore } from './store.ts';

/** Named sets of assets. */
const PROFILES: Readonly<Record<string, readonly string[]>> = {
  test: ['nats-server', 'seaweedfs', 'smollm2-135m-instruct', 'all-minilm-l6-v2'],
  standard: ['nats-server', 'smollm2-135m-instruct', 'all-minilm-l6-v2', 'qwen2.5-coder-1.5b-instruct'],
};

/** `node packages/assets/src/cli.ts <profile or asset …> [--offline]`: fetches what is missing and says so. */
const { positionals, values } = parseArgs({
  allowPositionals: true,
  options: { offline: { type: 'boolean', default: false } },
});
const store = new AssetStore({ offline: values.offline });
const ids = positionals.flatMap((name) => PROFILES[name] ?? [name]);
if (ids.length === 0) {
  process.stderr.write(`usage: cli.ts <${Object.keys(PROFILES).join('|')}|asset …> [--offline]\n`);
  process.exit(2);
}
try {
  for (const id of ids) await ensure(id);
} catch (error) {
  process.stderr.write(
    `${error instanceof AssetError || error instanceof RangeError ? error.message : String(error)}\n`,
  );
  process.exit(1);
}

async function ensure(id: string): Promise<void> {
  if (store.locate(id) !== undefined) return;
  const started_ms = Date.now();
  let said_ms = started_ms;
  process.stdout.write(`fetching ${id} (${Math.ceil(store.size_bytes(id) / 1e6)} MB)\n`);
  await store.ensure(id, {
    on_progress({ received_bytes, total_bytes, source }) {
      if (Date.now() - said_ms < 2000) return;
      said_ms = Date.now();
      process.stdout.write(`  ${Math.floor((100 * received_bytes) / total_bytes)} % from ${source}\n`);
    },
  });
  process.stdout.write(`  ${id} is here, after ${((Date.now() - started_ms) / 1000).toFixed(1)} s\n`);
}
