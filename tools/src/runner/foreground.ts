import { setTimeout as sleep } from 'node:timers/promises';
import { AssetStore } from '@mcp/assets';
import type { StackModel } from '@mcp/stacks';
import { messageOf } from '../errors.ts';
import { dataFlag, ROOT } from '../paths.ts';
import { duration, lineUi, terminalUi, type Ui } from '../ui.ts';
import { LocalPlatform } from './platform.ts';
import type { PlatformOptions } from './platform-options.ts';
import { askModels, type Summary, summaryLines } from './summary.ts';
import { type AssetSource, fetchOne } from './weights.ts';

/** Set by `--detach` for the process in the background. */
export const DETACHED_VARIABLE = 'MCP_DETACHED';
/** Ctrl-C reaches a process twice through npm; only a later one means "at once". */
const SECOND_SIGNAL_MS = 700;
const JOIN_POLL_MS = 1000;
const SETTLE_MS = 1000;
const SETTLE_POLL_MS = 50;

/** What the background process tells the one that started it. */
export type DetachMessage =
  | { readonly kind: 'line'; readonly text: string }
  | { readonly kind: 'ready'; readonly summary: Summary }
  | { readonly kind: 'failed'; readonly message: string; readonly exit_code: number };

/** Starts the platform, prints what there is, and holds on until a signal ends it. */
export async function runForeground(options: PlatformOptions): Promise<void> {
  const started_ms = Date.now();
  const tell = parentChannel();
  const ui = tell === undefined ? terminalUi() : channelUi(tell);
  process.stdout.on('error', () => undefined);
  const signals = watchSignals(ui);
  const assets = new AssetStore({ offline: options.offline });
  ui.say(`Starting the platform (data: ${options.paths.dir})`);
  let platform: LocalPlatform;
  try {
    platform = await LocalPlatform.start(options, {
      ui,
      assets,
      env: process.env,
      signal: signals.aborted,
      root: ROOT,
    });
  } catch (error) {
    if (!signals.aborted.aborted) throw error;
    ui.say('Stopped before it was ready; nothing is left running.');
    process.exit(signals.exitCode());
  }
  signals.onSecond(() => platform.kill());
  const summary = await summarise(platform, Date.now() - started_ms);
  const key = process.stdout.isTTY ? platform.admin_key : undefined;
  for (const line of tell === undefined ? summaryLines(summary, key) : []) ui.say(line);
  tell?.({ kind: 'ready', summary });
  if (tell === undefined) ui.say('Ctrl-C stops everything.');
  else process.disconnect?.();
  const ready = summary.models.filter((model) => model.status === 'ready').map((model) => model.id);
  const awaited = platform.large.filter((model) => !ready.includes(model.id));
  void followLarge(platform, { awaited, assets, ui, signal: signals.aborted });
  await signals.fired;
  const stop_ms = Date.now();
  ui.say('Stopping …');
  await platform.stop();
  ui.say(`Stopped in ${duration(Date.now() - stop_ms)}; nothing is left running.`);
  process.exit(0);
}

async function summarise(platform: LocalPlatform, took_ms: number): Promise<Summary> {
  const { paths } = platform.options;
  return {
    url: platform.url,
    data_dir: paths.dir,
    data_flag: dataFlag(paths.dir),
    took_ms,
    services: platform.endpoints(),
    models: await settledModels(platform),
  };
}

/** Models load one after another, and the first has made the platform ready; the small ones get a moment. */
async function settledModels(platform: LocalPlatform): Promise<Summary['models']> {
  const until_ms = Date.now() + SETTLE_MS;
  const large = new Set(platform.large.map((model) => model.id));
  for (;;) {
    const models = await askModels(platform.gateway, platform.admin_key);
    const loading = models.some((model) => model.status === 'loading' && !large.has(model.id));
    if (!loading || Date.now() > until_ms) return models;
    await sleep(SETTLE_POLL_MS);
  }
}

/** Fetches the large models while the platform serves, one by one, and says when each has joined. */
async function followLarge(
  platform: LocalPlatform,
  context: { awaited: readonly StackModel[]; assets: AssetSource; ui: Ui; signal: AbortSignal },
): Promise<void> {
  for (const model of context.awaited) {
    const id = model.asset ?? model.id;
    const reason =
      context.assets.locate(id) === undefined ? await fetchOne(id, context).catch(messageOf) : undefined;
    if (context.signal.aborted) return;
    if (reason !== undefined) {
      context.ui.warn(`${model.id} could not be had; the others go on:\n${reason}`);
      continue;
    }
    const joined = await joins(platform, { id: model.id, signal: context.signal });
    if (context.signal.aborted) return;
    if (joined) context.ui.say(`${model.id} has joined.`);
    else
      context.ui.warn(
        `${model.id} is here but has not joined; see: npx mcp logs model-gateway${dataFlag(platform.options.paths.dir)}`,
      );
  }
}

async function joins(
  platform: LocalPlatform,
  options: { id: string; signal: AbortSignal },
): Promise<boolean> {
  for (let at = 0; at < 120 && !options.signal.aborted; at++) {
    const models = await askModels(platform.gateway, platform.admin_key);
    if (models.some((model) => model.id === options.id && model.status === 'ready')) return true;
    await sleep(JOIN_POLL_MS, undefined, { signal: options.signal }).catch(() => undefined);
  }
  return false;
}

interface Signals {
  readonly aborted: AbortSignal;
  readonly fired: Promise<void>;
  exitCode(): number;
  onSecond(act: () => void): void;
}

/** The first signal stops in order, a second one at once. */
function watchSignals(ui: Ui): Signals {
  const controller = new AbortController();
  const fired = new Promise<void>((done) => controller.signal.addEventListener('abort', () => done()));
  let first_ms = 0;
  let code = 0;
  let second: () => void = () => undefined;
  const handle = (signal: NodeJS.Signals) => {
    if (first_ms === 0) {
      first_ms = Date.now();
      code = signal === 'SIGINT' ? 130 : 143;
      controller.abort(new Error(`stopped by ${signal}`));
      return;
    }
    if (Date.now() - first_ms < SECOND_SIGNAL_MS) return;
    ui.say('Stopping at once.');
    second();
    process.exit(code);
  };
  for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP'] as const) process.on(signal, handle);
  return {
    aborted: controller.signal,
    fired,
    exitCode: () => code,
    onSecond(act) {
      second = act;
    },
  };
}

function parentChannel(): ((message: DetachMessage) => void) | undefined {
  if (process.env[DETACHED_VARIABLE] !== '1') return undefined;
  return (message) => {
    if (process.connected) process.send?.(message, () => undefined);
  };
}

/** Lines go to the log of the background process and to the one that waits for it. */
function channelUi(tell: (message: DetachMessage) => void): Ui {
  return lineUi((text) => {
    process.stdout.write(`${text}\n`);
    tell({ kind: 'line', text });
  });
}
