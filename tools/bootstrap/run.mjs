import { spawn, spawnSync } from 'node:child_process';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { findChromium, HOW_TO_GET_CHROMIUM } from './chromium.mjs';
import { ensureConsole, ensureDependencies } from './dependencies.mjs';
import { childEnvironment, ensureNode } from './node-runtime.mjs';
import { fail, say, seconds } from './say.mjs';

/**
 * Behind `npm start`, `npm test`, the scripts of package.json that run something, and `npx mcp`: sees that Node and the
 * dependencies are there, then hands over. Plain JavaScript for Node 18 and newer, without dependencies.
 */
const ROOT = join(dirname(fileURLToPath(import.meta.url)), '..', '..');
const bin = (...parts) => join(ROOT, 'node_modules', ...parts);
const VITEST = bin('vitest', 'vitest.mjs');

const CHECKS = [
  ['types', [bin('typescript', 'bin', 'tsc'), '--noEmit', '-p', 'tsconfig.json']],
  ['types of the infrastructure', [bin('typescript', 'bin', 'tsc'), '--noEmit', '-p', 'infra']],
  [
    'types of the console',
    [bin('typescript', 'bin', 'tsc'), '--noEmit', '-p', join('apps', 'console', 'tsconfig.json')],
  ],
  ['lint and format', [bin('@biomejs', 'biome', 'bin', 'biome'), 'ci', '--reporter=summary']],
  ['unused code and dependencies', [bin('knip', 'bin', 'knip.js'), '--no-progress']],
  ['docs match the code', [join('tools', 'src', 'main.ts'), 'docs', '--check']],
];

/** Runs a command in the foreground: signals go to it, its exit code is ours. */
function handOver(node, args, env) {
  const child = spawn(node, args, { cwd: process.cwd(), env, stdio: 'inherit' });
  for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP']) process.on(signal, () => child.kill(signal));
  child.once('error', (error) => fail(`${args[0]} cannot be started: ${error.message}`));
  child.once('close', (code, signal) => process.exit(code ?? (signal === 'SIGINT' ? 130 : 143)));
}

function check(node, env) {
  const failed = [];
  for (const [name, args] of CHECKS) {
    const since = Date.now();
    const result = spawnSync(node, args, { cwd: ROOT, env, encoding: 'utf8' });
    say(`${result.status === 0 ? 'ok    ' : 'FAILED'}  ${name} (${seconds(since)})`);
    if (result.status === 0) continue;
    failed.push(name);
    say(`${result.stdout}${result.stderr}`);
  }
  if (failed.length > 0) fail(`${failed.length} of ${CHECKS.length} checks failed: ${failed.join(', ')}.`);
  say(`all ${CHECKS.length} checks passed`);
}

/** Assets that tests need; without the network only those that are missing fail, by name. */
function prepareTests(node, env) {
  const result = spawnSync(node, [join(ROOT, 'packages', 'assets', 'src', 'cli.ts'), 'test'], {
    cwd: ROOT,
    env,
    stdio: ['ignore', 'inherit', 'inherit'],
  });
  if (result.status !== 0)
    fail(
      'The tests use a real nats-server and real small models; the lines above say what could not be fetched.',
    );
}

const [command = 'help', ...rest] = process.argv.slice(2);
const node = ensureNode();
const env = childEnvironment(node);
ensureDependencies(ROOT, node, env);
switch (command) {
  case 'test':
    prepareTests(node, env);
    handOver(node, [VITEST, 'run', '--root', ROOT, ...rest], env);
    break;
  case 'check':
    check(node, env);
    break;
  case 'test:browser': {
    const chromium = findChromium();
    if (chromium === undefined) fail(HOW_TO_GET_CHROMIUM);
    prepareTests(node, env);
    ensureConsole(ROOT, node, env);
    handOver(
      node,
      [bin('@playwright', 'test', 'cli.js'), 'test', '--config', join(ROOT, 'playwright.config.ts'), ...rest],
      { ...env, MCP_CHROMIUM: chromium },
    );
    break;
  }
  case 'synth':
  case 'compose':
  case 'images':
  case 'policies:config':
  case 'cluster:up':
    handOver(node, [join(ROOT, 'infra', 'programs', `${command.replace(':', '-')}.ts`), ...rest], env);
    break;
  case 'test:cluster':
  case 'test:cluster:prod': {
    const config = command === 'test:cluster' ? 'vitest.config.ts' : 'prod.config.ts';
    handOver(node, [VITEST, 'run', '--config', join(ROOT, 'tests', 'cluster', config), ...rest], env);
    break;
  }
  case 'start':
    ensureConsole(ROOT, node, env);
    handOver(node, [join(ROOT, 'tools', 'src', 'main.ts'), command, ...rest], env);
    break;
  default:
    handOver(node, [join(ROOT, 'tools', 'src', 'main.ts'), command, ...rest], env);
}
