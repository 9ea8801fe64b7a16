import { freemem, totalmem } from 'node:os';

const MIB = 1024 * 1024;

/** What a machine or container has, in bytes. */
export interface MemoryReading {
  readonly total: number;
  /** Free on the machine, with what the kernel gives back when asked. */
  readonly free: number;
  /** Limit of the container; 0 or beyond `total` when there is none. */
  readonly limit: number;
  /** Resident in this process. */
  readonly resident: number;
}

/** Bytes that may still be taken: what is left of the machine and of the container, less what others need to live. */
export function spareBytes({ total, free, limit, resident }: MemoryReading): number {
  const bounded = limit > 0 && limit < total;
  const left = bounded ? Math.min(free, limit - resident) : free;
  const reserve = Math.max(256 * MIB, (bounded ? limit : total) / 16);
  return Math.max(0, Math.floor(left - reserve));
}

export function readMemory(): MemoryReading {
  return {
    total: totalmem(),
    free: freemem(),
    limit: process.constrainedMemory(),
    resident: process.memoryUsage.rss(),
  };
}
