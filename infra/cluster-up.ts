import { spawnSync } from 'node:child_process';
import { mkdirSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { fileURLToPath, pathToFileURL } from 'node:url';

const USAGE = `usage: npm run cluster:up [-- --preview | --destroy]

Deploys the stack local to the current kube context with Pulumi: the CLI on PATH, else the npm package pulumi, which
downloads it on first use. The state is kept in .pulumi/ of the checkout, so no account is needed; PULUMI_BACKEND_URL
and PULUMI_CONFIG_PASSPHRASE choose otherwise.`;

const ROOT = join(dirname(fileURLToPath(import.meta.url)), '..');
const STACK = 'local';
/** Tried in order. */
const COMMANDS: readonly (readonly string[])[] = [['pulumi'], ['npx', '--yes', 'pulumi']];

const [option] = process.argv.slice(2);
const actions: Readonly<Record<string, readonly string[]>> = {
  up: ['up', '--yes'],
  '--preview': ['preview', '--diff'],
  '--destroy': ['destroy', '--yes'],
};
const action = actions[option ?? 'up'];
if (action === undefined) {
  process.stdout.write(`${USAGE}\n`);
  process.exitCode = option === '--help' || option === '-h' ? 0 : 2;
} else process.exitCode = deploy(action);

function deploy(args: readonly string[]): number {
  const state = join(ROOT, '.pulumi');
  mkdirSync(state, { recursive: true });
  const env = {
    PULUMI_BACKEND_URL: pathToFileURL(state).href,
    // The secrets of one machine's cluster; a shared one sets its own.
    PULUMI_CONFIG_PASSPHRASE: '',
    ...process.env,
  };
  const run = (
    [program = '', ...before]: readonly string[],
    rest: readonly string[],
    stdio: 'inherit' | 'ignore',
  ) => spawnSync(program, [...before, ...rest], { cwd: ROOT, env, stdio }).status;
  const command = COMMANDS.find((one) => run(one, ['version'], 'ignore') === 0);
  if (command === undefined) {
    process.stderr.write(
      `The Pulumi CLI cannot be had: it is not on PATH, and the npm package pulumi could not download it.\nInstall it (https://www.pulumi.com/docs/install), or apply the same objects without it:\n  npm run synth\n  kubectl apply --server-side --force-conflicts -f dist/${STACK}/   (after making the Secrets of dist/${STACK}/secrets.txt)\n`,
    );
    return 1;
  }
  const selected = run(command, ['stack', 'select', '--create', STACK], 'inherit');
  return selected === 0 ? (run(command, [...args, '--stack', STACK], 'inherit') ?? 1) : (selected ?? 1);
}
