import { AssetError } from '@mcp/assets';
import type { StackModel } from '@mcp/stacks';
import { CliError, messageOf } from '../errors.ts';
import { bytes, type Ui } from '../ui.ts';
import { ACCOUNTS, serversText } from './sources.ts';

/** How far an asset has come. */
interface AssetProgress {
  readonly received_bytes: number;
  readonly total_bytes: number;
  readonly source: string;
}

/** Where binaries and weights come from; `packages/assets` behind one small interface. */
export interface AssetSource {
  /** Fetches, checks and keeps an asset. Throws naming every source that was tried. */
  ensure(
    id: string,
    options: { on_progress: (progress: AssetProgress) => void; signal: AbortSignal },
  ): Promise<string>;
  /** Where it is, when it is complete on this machine already. */
  locate(id: string): string | undefined;
  /** Where it will be once it has arrived. */
  expected(id: string): string;
  size_bytes(id: string): number;
}

/** Models that can be had, and why others cannot. */
export interface Weights {
  /** Ready to load. */
  readonly here: readonly StackModel[];
  /** Still to be fetched while the platform serves. */
  readonly later: readonly StackModel[];
  readonly missing: readonly { readonly id: string; readonly reason: string }[];
}

/**
 * Fetches what the start waits for, one after the other, smallest chat model first. Large models are left for later,
 * unless a chat model is needed and no other can be had.
 */
export async function fetchWeights(
  models: readonly StackModel[],
  options: { assets: AssetSource; ui: Ui; signal: AbortSignal; need_chat: boolean },
): Promise<Weights> {
  const here = models.filter((model) => model.backend !== 'embedded' || isHere(model, options.assets));
  const missing: { id: string; reason: string }[] = [];
  const take = async (model: StackModel) => {
    const reason = await fetchOne(model.asset ?? model.id, options);
    if (reason === undefined) here.push(model);
    else missing.push({ id: model.id, reason });
  };
  const absent = models.filter((model) => !here.includes(model));
  for (const model of absent.filter((one) => !one.background)) await take(model);
  const later: StackModel[] = [];
  for (const model of absent.filter((one) => one.background)) {
    const needed = options.need_chat && !here.some(({ kind }) => kind === 'chat') && model.kind === 'chat';
    if (needed) await take(model);
    else later.push(model);
  }
  return { here, later, missing };
}

function isHere(model: StackModel, assets: AssetSource): boolean {
  return assets.locate(model.asset ?? model.id) !== undefined;
}

/** The program of a dependency. Nothing runs without it. */
export async function fetchProgram(
  { program, what, homepage }: { program: string; what: string; homepage: string },
  options: { assets: AssetSource; ui: Ui; signal: AbortSignal },
): Promise<string> {
  const found = options.assets.locate(program);
  if (found !== undefined) return found;
  const reason = await fetchOne(program, options);
  const now = reason === undefined ? options.assets.locate(program) : undefined;
  if (now === undefined)
    throw new CliError(
      `${program}, ${what}, cannot be had:\n${indent(reason ?? 'it vanished')}\nInstall it (${homepage}) so that it is on PATH, and start again.`,
    );
  return now;
}

/** Fetches one asset with progress. Undefined when it is there, else why it is not: a line for each source. */
export async function fetchOne(
  id: string,
  options: { assets: AssetSource; ui: Ui; signal: AbortSignal },
): Promise<string | undefined> {
  const step = options.ui.step(`${id} (${bytes(options.assets.size_bytes(id))})`);
  const started_ms = Date.now();
  try {
    await options.assets.ensure(id, {
      signal: options.signal,
      on_progress: (progress) => step.update(describe(progress, started_ms)),
    });
    step.done();
    return undefined;
  } catch (error) {
    if (options.signal.aborted) throw error;
    step.fail('could not be had');
    return error instanceof AssetError
      ? error.failures.map(({ source, reason }) => `${source}: ${reason}`).join('\n')
      : messageOf(error);
  }
}

/** Error when no chat model is available. */
export function noModels(missing: Weights['missing']): CliError {
  const lines = missing.map(({ id, reason }) => `  ${id}:\n${indent(indent(reason))}`);
  return new CliError(
    `No chat model can be had, from any source:\n${lines.join('\n')}\n` +
      `  No ${serversText()} answers on this machine; none of ${ACCOUNTS.map(({ key_variable }) => key_variable).join(', ')} is set.\n` +
      'Connect to the network, start one of those servers, or set one of those keys, and start again.',
  );
}

function describe(progress: AssetProgress, started_ms: number): string {
  const { received_bytes, total_bytes, source } = progress;
  const seconds = (Date.now() - started_ms) / 1000;
  const rate = seconds > 0.5 ? `, ${bytes(received_bytes / seconds)}/s` : '';
  const share = total_bytes > 0 ? ` ${Math.floor((100 * received_bytes) / total_bytes)} %` : '';
  return `${bytes(received_bytes)}${share}${rate}, from ${source}`;
}

function indent(text: string): string {
  return text
    .split('\n')
    .map((line) => `  ${line}`)
    .join('\n');
}
