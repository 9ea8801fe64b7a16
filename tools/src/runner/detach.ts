import { spawn } from 'node:child_process';
import { closeSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { CliError, EXIT } from '../errors.ts';
import { type DataPaths, ROOT } from '../paths.ts';
import { terminalUi } from '../ui.ts';
import { DETACHED_VARIABLE, type DetachMessage } from './foreground.ts';
import { openLog } from './log-file.ts';
import { prepareDataDir } from './prepare.ts';
import { readSecret } from './secrets.ts';
import { summaryLines } from './summary.ts';

const MAIN = fileURLToPath(new URL('../main.ts', import.meta.url));

/** Starts the platform in the background and returns when it is ready. Throws what went wrong there. */
export async function startDetached(
  options: { readonly paths: DataPaths },
  child_options: { readonly argv: readonly string[] },
): Promise<void> {
  const { paths } = options;
  prepareDataDir(paths);
  const ui = terminalUi();
  const path = `${paths.logs}/runner.log`;
  const log = openLog(path);
  const child = spawn(process.execPath, [MAIN, ...child_options.argv], {
    cwd: ROOT,
    env: { ...process.env, [DETACHED_VARIABLE]: '1', NO_COLOR: '1' },
    detached: true,
    stdio: ['ignore', log, log, 'ipc'],
  });
  closeSync(log);
  const giveUp = () => child.kill('SIGTERM');
  process.once('SIGINT', giveUp);
  process.once('SIGTERM', giveUp);
  await new Promise<void>((done, fail) => {
    child.on('message', (message: DetachMessage) => {
      switch (message.kind) {
        case 'line':
          ui.say(message.text);
          break;
        case 'failed':
          fail(new CliError(message.message, message.exit_code));
          break;
        case 'ready': {
          const key = process.stdout.isTTY ? readSecret(paths.secrets, 'admin') : undefined;
          for (const line of summaryLines(message.summary, key)) ui.say(line);
          ui.say(
            `It runs in the background (pid ${child.pid}). Stop it with: npx mcp stop${message.summary.data_flag}`,
          );
          done();
          break;
        }
        default:
          message satisfies never;
      }
    });
    child.once('error', fail);
    child.once('exit', (code) =>
      fail(new CliError(`The start ended with code ${code ?? 'unknown'}. See ${path}.`, EXIT.failed)),
    );
  });
  if (child.connected) child.disconnect();
  child.unref();
}
