import { execFile } from 'node:child_process';
import { existsSync, statfsSync } from 'node:fs';
import { availableParallelism, totalmem } from 'node:os';
import { dirname } from 'node:path';
import { promisify } from 'node:util';
import { AssetStore } from '@mcp/assets';
import { services, stacks } from '@mcp/stacks';
import { Command } from 'commander';
import { EXIT } from '../errors.ts';
import { compileCacheDir, dataPaths } from '../paths.ts';
import { LOCAL, portsOf } from '../runner/dependency.ts';
import { isFree, ownerOf } from '../runner/ports.ts';
import { describeSource, findSources } from '../runner/sources.ts';
import { bytes, paint, table } from '../ui.ts';

const run = promisify(execFile);
const NODE_FLOOR = [22, 18] as const;

/** One finding. `bad` keeps the platform from starting, `note` does not. */
interface Finding {
  readonly what: string;
  readonly state: 'good' | 'note' | 'bad';
  readonly text: string;
}

/** `mcp doctor`: what this machine has of what the platform uses. */
export function doctorCommand(): Command {
  return new Command('doctor')
    .description('what this machine has: Node, npm, pip or uv, disk, ports, weights, model servers')
    .option('--data <directory>', 'the data directory (default: ./data of the checkout)')
    .option('--json', 'as JSON', false)
    .action(async (flags: { data?: string; json: boolean }) => {
      const paths = dataPaths(flags.data);
      const groups = await Promise.all([
        [node()],
        programs(),
        [machine(), disk('data', paths.dir), disk('cache', compileCacheDir())],
        ports(),
        weights(),
        sources(),
      ]);
      const findings = groups.flat();
      if (flags.json) process.stdout.write(`${JSON.stringify(findings, null, 2)}\n`);
      else process.stdout.write(`${render(findings).join('\n')}\n`);
      process.exitCode = findings.some((one) => one.state === 'bad') ? EXIT.failed : EXIT.ok;
    });
}

function node(): Finding {
  const [major = 0, minor = 0] = process.versions.node.split('.').map(Number);
  const [want_major, want_minor] = NODE_FLOOR;
  const fits = major > want_major || (major === want_major && minor >= want_minor);
  const text = `${process.versions.node} at ${process.execPath}`;
  return fits
    ? { what: 'Node', state: 'good', text }
    : {
        what: 'Node',
        state: 'bad',
        text: `${text}; ${NODE_FLOOR.join('.')} is needed: npm start gets it by itself`,
      };
}

async function programs(): Promise<Finding[]> {
  const uses: readonly (readonly [string, string])[] = [
    ['npm', 'installs what the platform depends on'],
    ['uv', 'can fetch weights from the Python package registry'],
    ['pip', 'can fetch weights from the Python package registry'],
    ...LOCAL.map(({ local }) => [local.program, 'is used instead of fetching one'] as const),
    ['chromium', 'runs the browser tests'],
  ];
  return Promise.all(
    uses.map(async ([name, use]): Promise<Finding> => {
      try {
        const { stdout } = await run(name, ['--version'], { timeout: 5000 });
        return { what: name, state: 'good', text: `${stdout.trim().split('\n')[0] ?? ''} (${use})` };
      } catch {
        return { what: name, state: 'note', text: `not found; it ${use}` };
      }
    }),
  );
}

function machine(): Finding {
  const memory = totalmem();
  const cores = availableParallelism();
  return {
    what: 'machine',
    state: memory < 3e9 ? 'note' : 'good',
    text: `${cores} cores, ${bytes(memory)} memory${memory < 3e9 ? '; the 1.1 GB model needs about 3 GB: use --models small' : ''}`,
  };
}

function disk(what: string, dir: string): Finding {
  let at = dir;
  while (!existsSync(at) && dirname(at) !== at) at = dirname(at);
  try {
    const info = statfsSync(at);
    const free = info.bavail * info.bsize;
    return {
      what: `disk (${what})`,
      state: free < 2e9 ? 'note' : 'good',
      text: `${bytes(free)} free for ${dir}`,
    };
  } catch {
    return { what: `disk (${what})`, state: 'note', text: `free room of ${dir} is not known` };
  }
}

async function ports(): Promise<Finding[]> {
  const wanted: [string, number][] = Object.values(services).map((one) => [one.name, one.port]);
  for (const one of LOCAL) for (const port of Object.values(portsOf(one))) wanted.push([one.name, port]);
  return Promise.all(
    wanted.map(async ([name, port]): Promise<Finding> => {
      if (await isFree(port, '127.0.0.1'))
        return { what: `port ${port}`, state: 'good', text: `free, for ${name}` };
      const way = name === 'gateway' ? 'use --port' : 'the next free one is used instead';
      return {
        what: `port ${port}`,
        state: 'note',
        text: `taken by ${ownerOf(port) ?? 'a process'}; ${name}: ${way}`,
      };
    }),
  );
}

async function weights(): Promise<Finding[]> {
  const assets = new AssetStore({ offline: true });
  const ids = [
    ...LOCAL.map(({ local }) => local.program),
    ...(stacks.local?.models ?? []).flatMap((model) => model.asset ?? []),
  ];
  return Promise.all(
    ids.map(async (id): Promise<Finding> => {
      const found = assets.locate(id);
      return found === undefined
        ? {
            what: id,
            state: 'note',
            text: `not here yet (${bytes(assets.size_bytes(id))}); the start fetches it`,
          }
        : { what: id, state: 'good', text: found };
    }),
  );
}

async function sources(): Promise<Finding[]> {
  const found = await findSources(process.env, { own_ports: new Set(), offline: false });
  return found.map((source) => ({ what: 'source', state: 'good' as const, text: describeSource(source) }));
}

function render(findings: readonly Finding[]): string[] {
  const marks = { good: paint('green', '✓'), note: paint('yellow', '·'), bad: paint('red', '✗') };
  return table(
    ['', 'what', 'found'],
    findings.map((one) => [marks[one.state], one.what, one.text]),
  );
}
