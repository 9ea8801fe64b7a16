import { execFileSync, spawnSync } from 'node:child_process';
import { existsSync, mkdirSync } from 'node:fs';
import { delimiter, dirname, join } from 'node:path';
import { cacheDir } from '../../packages/assets/src/cache-dir.mjs';
import { fail, say, seconds } from './say.mjs';

/** The oldest Node that runs TypeScript by itself; the same number stands in package.json's `engines`. */
const FLOOR = [22, 18];
const MAJOR = 22;

function isEnough(version) {
  const [major = 0, minor = 0] = version.split('.').map(Number);
  return major > FLOOR[0] || (major === FLOOR[0] && minor >= FLOOR[1]);
}

/** How to call npm: the one that called us, else the one on PATH. */
export function npmCommand(node) {
  const script = process.env.npm_execpath;
  if (script !== undefined && /npm-cli\.[cm]?js$/.test(script) && existsSync(script)) return [node, script];
  return [process.platform === 'win32' ? 'npm.cmd' : 'npm'];
}

/** A Node that is new enough: this one, one fetched earlier, or one fetched now. */
export function ensureNode() {
  if (isEnough(process.versions.node)) return process.execPath;
  const [major] = process.versions.node.split('.').map(Number);
  if (major < 18)
    fail(
      `Node ${process.versions.node} is too old even to set up a newer one. Install Node 18 or newer (https://nodejs.org) and try again.`,
    );
  const home = join(cacheDir(), 'node');
  for (const name of packageNames()) {
    const node = binaryOf(home, name);
    if (existsSync(node) && works(node)) return node;
  }
  return fetchNode(home);
}

function packageNames() {
  const platform = process.platform === 'win32' ? 'win' : process.platform;
  return [`node-${platform}-${process.arch}`, `node-bin-${platform}-${process.arch}`];
}

function binaryOf(home, name) {
  return join(home, 'node_modules', name, 'bin', process.platform === 'win32' ? 'node.exe' : 'node');
}

function works(node) {
  try {
    return isEnough(execFileSync(node, ['-p', 'process.versions.node'], { encoding: 'utf8' }).trim());
  } catch {
    return false;
  }
}

function fetchNode(home) {
  const since = Date.now();
  say(
    `Node ${process.versions.node} is here, ${FLOOR.join('.')} or newer is needed: fetching Node ${MAJOR} from npm into ${home}`,
  );
  try {
    mkdirSync(home, { recursive: true });
  } catch (error) {
    fail(
      `${home} cannot be written (${error.code ?? error.message}). Set MCP_CACHE to a directory that can, or install Node ${MAJOR} yourself.`,
    );
  }
  const reasons = [];
  for (const name of packageNames()) {
    const [program, ...args] = npmCommand(process.execPath);
    const result = spawnSync(
      program,
      [
        ...args,
        'install',
        '--prefix',
        home,
        '--no-save',
        '--no-audit',
        '--no-fund',
        '--ignore-scripts',
        '--loglevel=error',
        `${name}@${MAJOR}`,
      ],
      { encoding: 'utf8', cwd: home, shell: program.endsWith('.cmd') },
    );
    const node = binaryOf(home, name);
    if (result.status === 0 && works(node)) {
      say(`  Node ${MAJOR} is here, after ${seconds(since)}`);
      return node;
    }
    reasons.push(
      `${name}: ${
        (result.error?.message ?? result.stderr ?? '')
          .split('\n')
          .find((line) => line.trim() !== '')
          ?.slice(0, 160) ?? 'no usable binary'
      }`,
    );
  }
  return fail(
    `Node ${MAJOR} cannot be fetched:\n  ${reasons.join('\n  ')}\nConnect to the network and try again, or install Node ${MAJOR} yourself (https://nodejs.org).`,
  );
}

/** The environment for everything the bootstrap starts: the right Node first on PATH, compiled code kept. */
export function childEnvironment(node) {
  const path_key = Object.keys(process.env).find((key) => key.toUpperCase() === 'PATH') ?? 'PATH';
  return {
    ...process.env,
    [path_key]: `${dirname(node)}${delimiter}${process.env[path_key] ?? ''}`,
    NODE_COMPILE_CACHE: process.env.NODE_COMPILE_CACHE ?? join(cacheDir(), 'compiled'),
  };
}
