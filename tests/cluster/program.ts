import { type ChildProcess, execFileSync, spawn } from 'node:child_process';
import {
  cpSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { pathToFileURL } from 'node:url';
import { parse } from 'yaml';
import { z } from 'zod';
import { type PulumiCli, pulumiCli } from '../../infra/programs/pulumi-cli.ts';
import type { KubernetesObject } from '../../infra/test/stacks.ts';

const ROOT = join(import.meta.dirname, '..', '..');
const PROJECT = z.object({ name: z.string() }).parse(parse(readFileSync(join(ROOT, 'Pulumi.yaml'), 'utf8')));
const WORKSPACE = '@mcp';
const MAX_RUN_MS = 480_000;

/** One change that Pulumi previews or made. */
export interface Change {
  readonly op: 'create' | 'update' | 'replace' | 'delete';
  readonly type: string;
  readonly name: string;
  readonly paths: readonly string[];
}

export interface Run {
  readonly ok: boolean;
  readonly changes: readonly Change[];
  /** What it wrote beside the JSON. */
  readonly said: string;
}

/** As `--json` of the CLI writes a preview: the changed paths are in `detailedDiff`, else in `diff`. */
const Report = z.object({
  steps: z
    .array(
      z.object({
        op: z.string(),
        urn: z.string(),
        detailedDiff: z.record(z.string(), z.unknown()).nullish(),
        diff: z.array(z.object({ path: z.string() })).nullish(),
      }),
    )
    .default([]),
});
const OPS: Readonly<Record<string, Change['op']>> = {
  create: 'create',
  update: 'update',
  replace: 'replace',
  delete: 'delete',
};

/**
 * A checkout of its own in a temporary directory, with the state of its deployment: what a test edits is a file of the
 * platform, and what it runs is Pulumi as a user would.
 */
export class Program {
  readonly dir: string;
  readonly #stack: string;
  readonly #cli: PulumiCli;
  readonly #config: readonly string[];

  constructor(dir: string, stack: string, config: Readonly<Record<string, string>> = {}) {
    this.dir = dir;
    this.#stack = stack;
    this.#config = Object.entries(config).flatMap(([key, value]) => [
      '--config',
      `${PROJECT.name}:${key}=${value}`,
    ]);
    this.#cli = theCli();
  }

  /** Copies the working tree as it is, tracked or not; dependencies are linked. */
  static checkout(stack: string, config: Readonly<Record<string, string>> = {}): Program {
    const dir = mkdtempSync(join(tmpdir(), 'mcp-program-'));
    copyTree(dir);
    const program = new Program(dir, stack, config);
    program.#select();
    return program;
  }

  /** Every object of the stack as it is in the checkout; Secrets are not in it. */
  objects(): KubernetesObject[] {
    const out = join(this.dir, 'dist', this.#stack);
    execFileSync(process.execPath, [join('infra', 'programs', 'synth.ts'), this.#stack], {
      cwd: this.dir,
      stdio: ['ignore', 'ignore', 'pipe'],
    });
    const files = readdirSync(out).filter((file) => file.endsWith('.yaml'));
    return files.map((file) => parse(readFileSync(join(out, file), 'utf8')) as KubernetesObject);
  }

  preview(): Promise<Run> {
    // What somebody changed by hand is a difference, too.
    return this.#run(['preview', '--json', ...(this.#cli.full ? ['--refresh', '--non-interactive'] : [])]);
  }

  up(): Promise<Run> {
    return this.#run([
      'up',
      ...(this.#cli.full ? ['--yes', '--skip-preview', '--non-interactive'] : ['--json']),
    ]);
  }

  destroy(): Promise<Run> {
    const flags = this.#cli.full ? ['--yes', '--skip-preview', '--non-interactive'] : ['--json'];
    return this.#run(['destroy', ...flags]);
  }

  /** Begins an update; it is stopped by an interrupt, as a user's Ctrl-C. */
  begin(): { stop(): Promise<Run> } {
    const flags = this.#cli.full ? ['--yes', '--skip-preview', '--non-interactive'] : ['--json'];
    const { child, ended } = this.#start(['up', ...flags]);
    return {
      async stop() {
        child.kill('SIGINT');
        return ended;
      },
    };
  }

  /** Replaces a text in a file, which must be there once. Gives back what undoes it. */
  edit(file: string, from: string, to: string): () => void {
    const path = join(this.dir, file);
    const text = readFileSync(path, 'utf8');
    if (text.split(from).length !== 2)
      throw new Error(`${file} has '${from}' not once: the test is out of date`);
    writeFileSync(
      path,
      text.replace(from, () => to),
    );
    return () => writeFileSync(path, text);
  }

  /** Gives a variable of a service a value that no manifest gives it. Gives back what undoes it. */
  give(service: string, variable: string, value: string): () => void {
    const row = 'given_by_the_tests';
    const flags = '  flag_list: () =>';
    const undo = [
      this.edit('stacks/derived.ts', flags, `  ${row}: () => '${value}',\n${flags}`),
      this.edit(`apps/${service}/manifest.ts`, `${variable}: {`, `${variable}: { from: 'derived.${row}',`),
    ];
    return () => {
      for (const one of undo) one();
    };
  }

  remove(): void {
    rmSync(this.dir, { recursive: true, force: true });
  }

  #select(): void {
    if (!this.#cli.full) return;
    const [program = '', ...before] = this.#cli.command;
    execFileSync(program, [...before, 'stack', 'select', '--create', this.#stack], {
      cwd: this.dir,
      env: this.#env(),
      stdio: 'ignore',
    });
  }

  #run(args: readonly string[]): Promise<Run> {
    return this.#start(args).ended;
  }

  #start(args: readonly string[]): { child: ChildProcess; ended: Promise<Run> } {
    const [program = '', ...before] = this.#cli.command;
    const config = args[0] === 'destroy' ? [] : this.#config;
    const child = spawn(program, [...before, ...args, '--cwd', this.dir, '--stack', this.#stack, ...config], {
      cwd: this.dir,
      env: this.#env(),
      stdio: ['ignore', 'pipe', 'pipe'],
      timeout: MAX_RUN_MS,
      killSignal: 'SIGINT',
    });
    const out = textOf(child.stdout);
    const said = textOf(child.stderr);
    const ended = new Promise<Run>((done, fail) => {
      child.once('error', fail).once('close', (code) => {
        done({
          ok: code === 0,
          changes: changesOf(out()),
          said: `${said()}${code === 0 ? '' : out().slice(-4000)}`,
        });
      });
    });
    return { child, ended };
  }

  #env(): NodeJS.ProcessEnv {
    const state = join(this.dir, '.pulumi');
    mkdirSync(state, { recursive: true });
    return { ...process.env, PULUMI_BACKEND_URL: pathToFileURL(state).href, PULUMI_CONFIG_PASSPHRASE: '' };
  }
}

function theCli(): PulumiCli {
  const cli = pulumiCli(process.env);
  if (cli === undefined)
    throw new Error(
      'There is no Pulumi: not on PATH, and not by npx. Install it (https://www.pulumi.com/docs/install), or name a command in MCP_PULUMI.',
    );
  return cli;
}

function textOf(stream: NodeJS.ReadableStream): () => string {
  let text = '';
  stream.setEncoding('utf8').on('data', (chunk: string) => {
    text += chunk;
  });
  return () => text;
}

function changesOf(out: string): Change[] {
  if (!out.trimStart().startsWith('{')) return [];
  return Report.parse(JSON.parse(out)).steps.flatMap(({ op, urn, detailedDiff, diff }) => {
    const known = OPS[op];
    const [, , types = '', name = ''] = urn.split('::');
    const type = types.split('$').at(-1) ?? '';
    const paths = [...Object.keys(detailedDiff ?? {}), ...(diff ?? []).map(({ path }) => path)].sort();
    return known === undefined ? [] : [{ op: known, type, name, paths }];
  });
}

function copyTree(dir: string): void {
  const listed = execFileSync('git', ['ls-files', '-z', '--cached', '--others', '--exclude-standard'], {
    cwd: ROOT,
    encoding: 'utf8',
  });
  const folders = new Set<string>();
  for (const file of listed.split('\0').filter((one) => one !== '')) {
    const folder = dirname(file);
    if (!folders.has(folder)) mkdirSync(join(dir, folder), { recursive: true });
    folders.add(folder);
    cpSync(join(ROOT, file), join(dir, file), { force: true });
  }
  for (const folder of folders) if (folder.split('/').length <= 2) linkModules(dir, folder);
}

/** Third-party packages are the checkout's, those of the platform its own. */
function linkModules(dir: string, folder: string): void {
  const from = join(ROOT, folder, 'node_modules');
  const to = join(dir, folder, 'node_modules');
  for (const name of entriesOf(from).filter((one) => one !== WORKSPACE)) {
    mkdirSync(to, { recursive: true });
    symlinkSync(join(from, name), join(to, name));
  }
  // npm links them by a relative path, which leads to the copies.
  if (entriesOf(join(from, WORKSPACE)).length > 0)
    cpSync(join(from, WORKSPACE), join(to, WORKSPACE), { recursive: true, verbatimSymlinks: true });
}

function entriesOf(folder: string): string[] {
  try {
    return readdirSync(folder);
  } catch {
    return [];
  }
}
