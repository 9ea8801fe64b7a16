import { execFileSync } from 'node:child_process';
import { readdirSync, readFileSync, readlinkSync } from 'node:fs';
import { connect, createServer } from 'node:net';
import { CliError, codeOf } from '../errors.ts';
import type { Reservations } from './reserve.ts';

const TRIES = 200;

/** True when nothing listens on the port and it may be listened on. Throws when the address itself cannot be used. */
export async function isFree(port: number, host: string): Promise<boolean> {
  if (await answers(port, host)) return false;
  return new Promise((done, fail) => {
    const server = createServer();
    server.once('error', (error) => {
      const code = codeOf(error);
      if (code === 'EADDRINUSE') done(false);
      else if (code === 'EACCES')
        fail(
          new CliError(`Port ${port} needs more rights than you have. Choose one above 1023 with --port.`),
        );
      else if (code === 'EADDRNOTAVAIL' || code === 'ENOTFOUND')
        fail(new CliError(`${host} is not an address of this machine. Use --host 127.0.0.1 or 0.0.0.0.`));
      else fail(error);
    });
    server.listen({ port, host, exclusive: true }, () => server.close(() => done(true)));
  });
}

/** Reserves the wanted port, or the next free one after it that is not in `taken`. */
export async function nextFree(
  wanted: number,
  options: { host: string; taken: ReadonlySet<number>; reservations: Reservations },
): Promise<number> {
  for (let port = wanted; port < Math.min(wanted + TRIES, 65_536); port++)
    if (!options.taken.has(port) && options.reservations.take(port)) {
      if (await isFree(port, options.host)) return port;
      options.reservations.release(port);
    }
  throw new CliError(
    `No port from ${wanted} to ${wanted + TRIES} is free. Stop something that listens there and start again.`,
  );
}

/** Who listens on a port, as `name (pid 1234)`, where the system tells. */
export function ownerOf(port: number): string | undefined {
  try {
    return process.platform === 'linux' ? linuxOwner(port) : lsofOwner(port);
  } catch {
    return undefined;
  }
}

/** True when something accepts connections there. Some systems let two listen on one port by different addresses. */
function answers(port: number, host: string): Promise<boolean> {
  const target = host === '0.0.0.0' || host === '::' ? '127.0.0.1' : host;
  return new Promise((done) => {
    const socket = connect({ port, host: target });
    const end = (value: boolean) => {
      socket.destroy();
      done(value);
    };
    socket.setTimeout(300, () => end(false));
    socket.once('connect', () => end(true));
    socket.once('error', () => end(false));
  });
}

function linuxOwner(port: number): string | undefined {
  const inodes = new Set(
    ['/proc/net/tcp', '/proc/net/tcp6'].flatMap((path) =>
      readFileSync(path, 'utf8')
        .split('\n')
        .map((line) => line.trim().split(/\s+/))
        .filter((cells) => cells[3] === '0A' && Number.parseInt(cells[1]?.split(':')[1] ?? '', 16) === port)
        .map((cells) => `socket:[${cells[9]}]`),
    ),
  );
  for (const pid of readdirSync('/proc').filter((name) => /^\d+$/.test(name)))
    if (descriptors(pid).some((link) => inodes.has(link)))
      return `${readFileSync(`/proc/${pid}/comm`, 'utf8').trim()} (pid ${pid})`;
  return undefined;
}

function descriptors(pid: string): string[] {
  try {
    return readdirSync(`/proc/${pid}/fd`).map((fd) => {
      try {
        return readlinkSync(`/proc/${pid}/fd/${fd}`);
      } catch {
        return '';
      }
    });
  } catch {
    return [];
  }
}

function lsofOwner(port: number): string | undefined {
  const text = execFileSync('lsof', ['-nP', `-iTCP:${port}`, '-sTCP:LISTEN', '-Fpc'], {
    encoding: 'utf8',
    timeout: 3000,
    stdio: ['ignore', 'pipe', 'ignore'],
  });
  const pid = /^p(\d+)$/m.exec(text)?.[1];
  const name = /^c(.+)$/m.exec(text)?.[1];
  return pid === undefined ? undefined : `${name ?? 'a process'} (pid ${pid})`;
}
