import { spawnSync } from 'node:child_process';
import { createHash } from 'node:crypto';
import { existsSync, readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { takeLock } from '../../packages/assets/src/lock-file.mjs';
import { npmCommand } from './node-runtime.mjs';
import { fail, say, seconds } from './say.mjs';

/** Longer than any installation: an owner that is there for so long has its number from somebody else. */
const SILENT_LOCK_MS = 15 * 60_000;

/** Installs dependencies when they are missing or not those of the lock file. Two starts at once do not clash. */
export function ensureDependencies(root, node, env) {
  const stamp = join(root, 'node_modules', '.mcp-install');
  const wanted = hashOf([join(root, 'package-lock.json')]);
  if (read(stamp) === wanted) return;
  withLock(join(root, '.mcp-install.lock'), () => {
    if (read(stamp) === wanted) return;
    const since = Date.now();
    say('installing dependencies (npm ci, no install scripts)');
    const [program, ...args] = npmCommand(node);
    // Its installer looks for GPU builds on the network; the variable stops it where scripts are on.
    const quiet = { ...env, ONNXRUNTIME_NODE_INSTALL: 'skip', NODE_LLAMA_CPP_SKIP_DOWNLOAD: 'true' };
    const result = spawnSync(
      program,
      [...args, 'ci', '--ignore-scripts', '--no-audit', '--no-fund', '--loglevel=error'],
      {
        cwd: root,
        env: quiet,
        stdio: ['ignore', 'ignore', 'pipe'],
        encoding: 'utf8',
        shell: program.endsWith('.cmd'),
      },
    );
    if (result.status !== 0) {
      const reason = (result.error?.message ?? result.stderr ?? '')
        .split('\n')
        .filter((line) => line.trim() !== '' && !/^npm warn/i.test(line));
      fail(
        `The dependencies cannot be installed:\n  ${reason.slice(0, 6).join('\n  ')}\n${hint(reason.join(' '))}`,
      );
    }
    writeFileSync(stamp, wanted);
    say(`  dependencies are here, after ${seconds(since)}`);
  });
}

/** Builds the console when its sources are not those it was built from. */
export function ensureConsole(root, node, env) {
  const app = join(root, 'apps', 'console');
  if (!existsSync(join(app, 'vite.config.ts'))) return;
  const stamp = join(app, 'dist', '.mcp-build');
  const wanted = hashOf([
    ...filesOf(join(app, 'src')),
    ...filesOf(join(app, 'public')),
    join(app, 'index.html'),
    join(app, 'vite.config.ts'),
    ...filesOf(join(root, 'packages', 'contracts', 'src')),
  ]);
  if (read(stamp) === wanted) return;
  const since = Date.now();
  say('building the console');
  const result = spawnSync(
    node,
    [join(root, 'node_modules', 'vite', 'bin', 'vite.js'), 'build', '--logLevel', 'error'],
    { cwd: app, env, stdio: ['ignore', 'ignore', 'pipe'], encoding: 'utf8' },
  );
  if (result.status !== 0) fail(`The console cannot be built:\n${result.stderr}`);
  writeFileSync(stamp, wanted);
  say(`  the console is built, after ${seconds(since)}`);
}

function hint(reason) {
  if (/ENOTFOUND|EAI_AGAIN|ECONNREFUSED|ETIMEDOUT|network/i.test(reason))
    return 'The npm registry cannot be reached. Connect to the network (or check npm config get registry and proxy) and try again.';
  if (/ENOSPC/.test(reason)) return 'The disk is full: about 1 GB is needed. Make room and try again.';
  if (/EACCES|EPERM/.test(reason))
    return 'The checkout cannot be written to. Give yourself its files (chown) and try again.';
  return 'Run npm ci to see all of it.';
}

/** One start installs, others wait for it. What a crash left is taken over. */
function withLock(path, work) {
  for (let said = false; ; ) {
    let lock;
    try {
      lock = takeLock(path, { silent_ms: SILENT_LOCK_MS });
    } catch (error) {
      fail(
        `${path} cannot be made (${error.code}). Give yourself the files of the checkout (chown) and try again.`,
      );
    }
    if (lock === undefined) {
      if (!said) say('another start is installing, waiting for it');
      said = true;
      Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0, 500);
      continue;
    }
    process.once('exit', lock.release);
    try {
      return work();
    } finally {
      lock.release();
      process.off('exit', lock.release);
    }
  }
}

function read(path) {
  try {
    return readFileSync(path, 'utf8');
  } catch {
    return undefined;
  }
}

function hashOf(paths) {
  const hash = createHash('sha256');
  for (const path of paths) hash.update(read(path) ?? '');
  return hash.digest('hex');
}

function filesOf(dir) {
  if (!existsSync(dir)) return [];
  return readdirSync(dir, { withFileTypes: true })
    .sort((a, b) => a.name.localeCompare(b.name))
    .flatMap((entry) => (entry.isDirectory() ? filesOf(join(dir, entry.name)) : [join(dir, entry.name)]));
}
