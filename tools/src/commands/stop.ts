import { Command } from 'commander';
import { CliError } from '../errors.ts';
import { dataPaths } from '../paths.ts';
import { isRunning, signalGroup } from '../runner/processes.ts';
import { readRunFile, reap, waitGone } from '../runner/run-file.ts';
import { duration, terminalUi } from '../ui.ts';

const TIMEOUT_MS = 8000;

/** `mcp stop`: ends the platform of a data directory, and what a runner that died left behind. */
export function stopCommand(): Command {
  return new Command('stop')
    .description('stop the platform of a data directory')
    .option('--data <directory>', 'its data directory (default: ./data of the checkout)')
    .action(async (flags: { data?: string }) => stop(flags.data));
}

async function stop(data: string | undefined): Promise<void> {
  const ui = terminalUi();
  const paths = dataPaths(data);
  const run = readRunFile(paths.run_file);
  if (run === undefined) {
    ui.say(`Nothing runs on ${paths.dir}.`);
    return;
  }
  const started_ms = Date.now();
  if (isRunning(run.runner)) {
    const step = ui.step(`stopping the platform (pid ${run.runner.pid})`);
    process.kill(run.runner.pid, 'SIGTERM');
    if (!(await waitGone([run.runner], TIMEOUT_MS))) {
      signalGroup(run.runner.pid, 'SIGKILL');
      step.fail(`it did not end within ${TIMEOUT_MS / 1000} s and was killed`);
    } else step.done(duration(Date.now() - started_ms));
  }
  const latest = readRunFile(paths.run_file) ?? run;
  const left = await reap(latest);
  if (left.length > 0) ui.say(`Stopped what was left of it: ${left.join(', ')}.`);
  const marks = latest.processes.flatMap(({ mark }) => (mark === null ? [] : [mark]));
  if (marks.some(isRunning))
    throw new CliError(
      `Some processes do not end: ${marks
        .filter(isRunning)
        .map(({ pid }) => pid)
        .join(', ')}. Kill them by hand.`,
    );
  ui.say('Nothing is left running.');
}
