import { spawnSync } from 'node:child_process';
import { mkdirSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { fileURLToPath, pathToFileURL } from 'node:url';

const USAGE = `usage: npm run cluster:up [-- --preview | --destroy | --no-images | <options of npm run images>]

Builds the images of the stack local with the weights of its models, gives them to the cluster of the current kube
context, and deploys with Pulumi: the CLI on PATH, else the npm package pulumi, which downloads it on first use. The
state is kept in .pulumi/ of the checkout, so no account is needed; PULUMI_BACKEND_URL and PULUMI_CONFIG_PASSPHRASE
choose otherwise. --no-images leaves the images that the cluster has.`;

const ROOT = join(dirname(fileURLToPath(import.meta.url)), '..');
const STACK = 'local';
/** Tried in order. */
const COMMANDS: readonly (readonly string[])[] = [['pulumi'], ['npx', '--yes', 'pulumi']];

const ACTIONS: Readonly<Record<string, readonly string[]>> = {
  '--preview': ['preview', '--diff'],
  '--destroy': ['destroy', '--yes'],
};

const [option = '', ...others] = process.argv.slice(2);
const action = ACTIONS[option];
if (option === '--help' || option === '-h') process.stdout.write(`${USAGE}\n`);
else if (action !== undefined && others.length > 0) {
  process.stderr.write(`${option} stands alone. ${USAGE}\n`);
  process.exitCode = 2;
} else if (action !== undefined) process.exitCode = deploy(action);
else {
  const built = option === '--no-images' ? 0 : images(process.argv.slice(2));
  process.exitCode = built === 0 ? deploy(['up', '--yes']) : built;
}

function images(options: readonly string[]): number {
  const program = join(ROOT, 'infra', 'images.ts');
  return spawnSync(process.execPath, [program, STACK, ...options], { stdio: 'inherit' }).status ?? 1;
}

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
      `The Pulumi CLI cannot be had: it is not on PATH, and the npm package pulumi could not download it.\nInstall it (https://www.pulumi.com/docs/install), or apply the same objects without it:\n  npm run synth\n  sh dist/${STACK}/secrets.sh\n  kubectl apply --server-side --force-conflicts -f dist/${STACK}/\n`,
    );
    return 1;
  }
  const selected = run(command, ['stack', 'select', '--create', STACK], 'inherit');
  return selected === 0 ? (run(command, [...args, '--stack', STACK], 'inherit') ?? 1) : (selected ?? 1);
}
