import { spawnSync } from 'node:child_process';
import { mkdirSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { fileURLToPath, pathToFileURL } from 'node:url';
import { pulumiCli } from './pulumi-cli.ts';

const USAGE = `usage: npm run cluster:up [-- --preview | --destroy | --no-images | <options of npm run images>]

Builds the images of the stack local with the weights of its models, gives them to the cluster of the current kube
context, and deploys with Pulumi: the command in MCP_PULUMI, the CLI on PATH, else the npm package pulumi, which
downloads it on first use. The state is kept in .pulumi/ of the checkout, so no account is needed; PULUMI_BACKEND_URL
and PULUMI_CONFIG_PASSPHRASE choose otherwise. --no-images leaves the images that the cluster has.`;

const ROOT = join(dirname(fileURLToPath(import.meta.url)), '..', '..');
const STACK = 'local';

type Action = 'preview' | 'up' | 'destroy';
const ACTIONS: Readonly<Record<string, Action>> = { '--preview': 'preview', '--destroy': 'destroy' };
/** What the CLI is told beside the action; it would ask otherwise. */
const FLAGS: Readonly<Record<Action, string>> = { preview: '--diff', up: '--yes', destroy: '--yes' };

const [option = '', ...others] = process.argv.slice(2);
const action = ACTIONS[option];
if (option === '--help' || option === '-h') process.stdout.write(`${USAGE}\n`);
else if (action !== undefined && others.length > 0) {
  process.stderr.write(`${option} stands alone. ${USAGE}\n`);
  process.exitCode = 2;
} else if (action !== undefined) process.exitCode = deploy(action);
else {
  const built = option === '--no-images' ? 0 : images(process.argv.slice(2));
  process.exitCode = built === 0 ? deploy('up') : built;
}

function images(options: readonly string[]): number {
  const program = join(ROOT, 'infra', 'programs', 'images.ts');
  return spawnSync(process.execPath, [program, STACK, ...options], { stdio: 'inherit' }).status ?? 1;
}

function deploy(action: Action): number {
  const state = join(ROOT, '.pulumi');
  if (process.env.PULUMI_BACKEND_URL === undefined) mkdirSync(state, { recursive: true });
  const env = {
    PULUMI_BACKEND_URL: pathToFileURL(state).href,
    // The secrets of one machine's cluster; a shared one sets its own.
    PULUMI_CONFIG_PASSPHRASE: '',
    ...process.env,
  };
  const cli = pulumiCli(env);
  if (cli === undefined) {
    process.stderr.write(
      `The Pulumi CLI cannot be had: MCP_PULUMI names none, it is not on PATH, and the npm package pulumi could not download it.\nInstall it (https://www.pulumi.com/docs/install), or apply the same objects without it:\n  npm run synth\n  (set -a; eval "$(npx mcp identity)"; sh dist/${STACK}/secrets.sh)\n  kubectl apply --server-side --force-conflicts -f dist/${STACK}/\n`,
    );
    return 1;
  }
  const [program = '', ...before] = cli.command;
  const run = (...args: readonly string[]) =>
    spawnSync(program, [...before, ...args], { cwd: ROOT, env, stdio: 'inherit' }).status ?? 1;
  if (!cli.full) return run(action, '--stack', STACK);
  const selected = run('stack', 'select', '--create', STACK);
  return selected === 0 ? run(action, FLAGS[action], '--stack', STACK) : selected;
}
