import { execFileSync } from 'node:child_process';
import { readdirSync, readFileSync } from 'node:fs';

/** A process, told apart from a later one that got the same id. */
export interface ProcessMark {
  readonly pid: number;
  /** When it began, as the system tells it; empty where that cannot be known. */
  readonly started: string;
}

/** The mark of a running process; undefined when there is none. */
export function markOf(pid: number): ProcessMark | undefined {
  const started = startTime(pid);
  return started === undefined ? undefined : { pid, started };
}

/** True while exactly that process runs. A zombie does not run. */
export function isRunning(mark: ProcessMark): boolean {
  const started = startTime(mark.pid);
  return started !== undefined && (mark.started === '' || started === mark.started);
}

/** Signals a process and all it started; children are leaders of their own group. */
export function signalGroup(pid: number, signal: NodeJS.Signals): void {
  try {
    process.kill(process.platform === 'win32' ? pid : -pid, signal);
  } catch {
    // It has ended.
  }
}

/** Resident memory in bytes of a process and all it started, or undefined where it cannot be known. */
export function memoryOf(pid: number): number | undefined {
  if (process.platform === 'linux') {
    const members = readdirSync('/proc').filter((name) => /^\d+$/.test(name) && groupOf(name) === pid);
    const kilobytes = members.map(
      (name) => /^VmRSS:\s+(\d+) kB/m.exec(read(`/proc/${name}/status`) ?? '')?.[1],
    );
    return kilobytes.reduce((sum, value) => sum + Number(value ?? 0) * 1024, 0) || undefined;
  }
  const kilobytes = Number(ask('ps', ['-o', 'rss=', '-p', String(pid)]));
  return Number.isFinite(kilobytes) && kilobytes > 0 ? kilobytes * 1024 : undefined;
}

/** Process group of a process (Linux). */
function groupOf(pid: string): number | undefined {
  const fields = statFields(pid);
  return fields === undefined ? undefined : Number(fields[2]);
}

/** Fields of `/proc/<pid>/stat` from the 3rd (state) on; the command before them may hold blanks. */
function statFields(pid: number | string): string[] | undefined {
  const stat = read(`/proc/${pid}/stat`);
  return stat?.slice(stat.lastIndexOf(')') + 2).split(' ');
}

function startTime(pid: number): string | undefined {
  if (process.platform === 'linux') {
    const fields = statFields(pid);
    // The start time is the 22nd field.
    return fields === undefined || fields[0] === 'Z' || fields[0] === 'X' ? undefined : fields[19];
  }
  try {
    process.kill(pid, 0);
  } catch {
    return undefined;
  }
  return process.platform === 'win32' ? '' : ask('ps', ['-o', 'lstart=', '-p', String(pid)]);
}

function read(path: string): string | undefined {
  try {
    return readFileSync(path, 'utf8');
  } catch {
    return undefined;
  }
}

function ask(command: string, args: readonly string[]): string {
  try {
    return execFileSync(command, args, {
      encoding: 'utf8',
      timeout: 2000,
      stdio: ['ignore', 'pipe', 'ignore'],
    }).trim();
  } catch {
    return '';
  }
}
