import { join, resolve } from 'node:path';
import { fileURLToPath } from 'node:url';
import { cacheDir } from '@mcp/assets';

/** Root of the checkout. */
export const ROOT = fileURLToPath(new URL('../..', import.meta.url));

/** Files and folders of one data directory. */
export interface DataPaths {
  readonly dir: string;
  readonly secrets: string;
  readonly logs: string;
  readonly run: string;
  readonly run_file: string;
  readonly conversations: string;
}

/** The data directory: `--data`, else MCP_DATA, both from where the user stands; else `data` in the checkout. */
export function dataPaths(data: string | undefined, env: NodeJS.ProcessEnv = process.env): DataPaths {
  const chosen = data ?? (env.MCP_DATA === '' ? undefined : env.MCP_DATA);
  const dir = chosen === undefined ? join(ROOT, 'data') : resolve(chosen);
  const run = join(dir, 'run');
  return {
    dir,
    secrets: join(dir, 'secrets'),
    logs: join(dir, 'logs'),
    run,
    run_file: join(run, 'platform.json'),
    conversations: join(dir, 'logs', 'conversations'),
  };
}

/** What a command of `mcp` needs to mean this data directory: empty for the default one. Ready to paste in a shell. */
export function dataFlag(dir: string, env: NodeJS.ProcessEnv = process.env): string {
  const named = env.MCP_DATA !== undefined && env.MCP_DATA !== '';
  if (dir === join(ROOT, 'data') && !named) return '';
  return ` --data ${/^[\w./:@%+,-]+$/.test(dir) ? dir : `'${dir.replaceAll("'", "'\\''")}'`}`;
}

/** Where compiled code is kept between starts. */
export function compileCacheDir(env: NodeJS.ProcessEnv = process.env): string {
  return env.NODE_COMPILE_CACHE ?? join(cacheDir(env), 'compiled');
}
