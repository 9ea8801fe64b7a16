/** Where joules are read: of this process on the machine's processors, and of the machine's graphics cards. */
import { execFile } from 'node:child_process';
import { readdirSync, readFileSync } from 'node:fs';
import { cpus } from 'node:os';
import { join } from 'node:path';

/** Joules that this process has taken of the processors since it began, but for a constant. */
export type CpuJoules = () => number;

/** CPU time of this process times the watts of a busy core, as the operator declares them. */
export function byCpuTime(watts_per_core: number, used_s: () => number = processSeconds): CpuJoules {
  return () => used_s() * watts_per_core;
}

interface Machine {
  /** CPU seconds of this process. */
  readonly process_s: number;
  /** CPU seconds of all processes. */
  readonly busy_s: number;
}

/**
 * This process' share, by CPU time, of what the packages of the processors took (RAPL, Linux' powercap: microjoules that
 * count up to `max_energy_range_uj` and begin again). Undefined where that cannot be read.
 */
export function byRapl(
  folder = '/sys/class/powercap',
  machine: () => Machine = machineNow,
): CpuJoules | undefined {
  const zones = packagesIn(folder);
  if (zones.length === 0) return undefined;
  let before = { ...machine(), uj: zones.map(({ read }) => read()) };
  let joules = 0;
  return () => {
    const now = { ...machine(), uj: zones.map(({ read }) => read()) };
    const spent_uj = zones.reduce((sum, { range_uj }, at) => {
      const grown_uj = (now.uj[at] ?? 0) - (before.uj[at] ?? 0);
      return sum + (grown_uj < 0 ? grown_uj + range_uj : grown_uj);
    }, 0);
    const busy_s = now.busy_s - before.busy_s;
    const share = busy_s <= 0 ? 0 : Math.min(1, Math.max(0, (now.process_s - before.process_s) / busy_s));
    joules += (spent_uj / 1e6) * share;
    before = now;
    return joules;
  };
}

function packagesIn(folder: string): { range_uj: number; read(): number }[] {
  try {
    return readdirSync(folder)
      .filter((name) => /^intel-rapl:\d+$/.test(name))
      .map((name) => {
        const read = () => Number(readFileSync(join(folder, name, 'energy_uj'), 'utf8'));
        read();
        return { range_uj: Number(readFileSync(join(folder, name, 'max_energy_range_uj'), 'utf8')), read };
      });
  } catch {
    // Not there, or for root alone.
    return [];
  }
}

function processSeconds(): number {
  const { user, system } = process.cpuUsage();
  return (user + system) / 1e6;
}

function machineNow(): Machine {
  let busy_ms = 0;
  for (const { times } of cpus()) busy_ms += times.user + times.nice + times.sys + times.irq;
  return { process_s: processSeconds(), busy_s: busy_ms / 1000 };
}

const GPU_EVERY_MS = 10_000;
const GPU_TIMEOUT_MS = 2000;

/** What the machine's graphics cards draw together, by `nvidia-smi`; looked up beside the work, at most every 10 s. */
export class GpuPower {
  readonly #command: string;
  #watts: number | undefined;
  #asked_ms = Number.NEGATIVE_INFINITY;
  /** It is not asked again where it is not there. */
  #missing = false;

  constructor(command = 'nvidia-smi') {
    this.#command = command;
  }

  /** As last seen; undefined while nothing is known. */
  get watts(): number | undefined {
    return this.#watts;
  }

  /** Asks, unless that was done of late. */
  look(now_ms: number): void {
    if (this.#missing || now_ms - this.#asked_ms < GPU_EVERY_MS) return;
    this.#asked_ms = now_ms;
    const query = ['--query-gpu=power.draw', '--format=csv,noheader,nounits'];
    execFile(this.#command, query, { timeout: GPU_TIMEOUT_MS, maxBuffer: 64 * 1024 }, (error, stdout) => {
      const watts = error === null ? wattsOf(stdout) : undefined;
      this.#missing = watts === undefined;
      this.#watts = watts;
    });
  }
}

/** One line of watts for each card. */
function wattsOf(text: string): number | undefined {
  const lines = text.trim().split('\n').map(Number);
  return lines.every((watts) => Number.isFinite(watts))
    ? lines.reduce((sum, watts) => sum + watts, 0)
    : undefined;
}
