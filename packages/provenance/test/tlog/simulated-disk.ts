/** A disk that loses what was not synced, tears what was being written, and is full at times. */
import type { Disk } from '../../src/tlog/disk.ts';

/** The process dies here. */
class Killed extends Error {}

interface File {
  /** What is on the disk for sure. */
  durable: Buffer;
  /** What readers see. */
  seen: Buffer;
}

export interface Faults {
  /** The operation, counted from 1, at which the process dies; undefined: it does not. */
  readonly kill_at?: number;
  /** Whether the operation fails because the disk is full. */
  readonly full?: (operation: number) => boolean;
  /** Whether a sync fails. */
  readonly lost?: (operation: number) => boolean;
  readonly random: () => number;
}

/** The files of one machine, over all processes that ran on it. */
export class SimulatedDisk implements Disk {
  #files = new Map<string, File>();
  /** Names that are in their folders for sure, and what they name. */
  #names = new Map<string, File>();
  #faults: Faults;
  operations = 0;
  #dead = false;

  constructor(faults: Faults) {
    this.#faults = faults;
  }

  /** The machine as it comes up again: of what was not synced some is there, some is not, some is half there. */
  restarted(faults: Faults): SimulatedDisk {
    const { random } = this.#faults;
    const next = new SimulatedDisk(faults);
    for (const path of new Set([...this.#files.keys(), ...this.#names.keys()])) {
      const seen = this.#files.get(path);
      const sure = this.#names.get(path);
      const file = seen !== sure && random() < 0.5 ? sure : seen;
      if (file === undefined) continue;
      const bytes = torn(file, random);
      const kept = { durable: bytes, seen: bytes };
      next.#files.set(path, kept);
      next.#names.set(path, kept);
    }
    return next;
  }

  #step(what: 'write' | 'sync' | 'read'): 'ok' | 'full' | 'lost' {
    if (this.#dead) throw new Killed();
    if (what === 'read') return 'ok';
    this.operations++;
    if (this.operations === this.#faults.kill_at) {
      this.#dead = true;
      throw new Killed();
    }
    if (what === 'write' && this.#faults.full?.(this.operations) === true) return 'full';
    return what === 'sync' && this.#faults.lost?.(this.operations) === true ? 'lost' : 'ok';
  }

  async read(path: string) {
    this.#step('read');
    return this.#files.get(path)?.seen;
  }

  async list(folder: string) {
    this.#step('read');
    return [...this.#files.keys()]
      .filter((path) => path.startsWith(`${folder}/`))
      .map((path) => path.slice(folder.length + 1));
  }

  async append(path: string) {
    if (this.#step('write') === 'full') throw new Error('ENOSPC');
    const file = this.#files.get(path) ?? { durable: Buffer.alloc(0), seen: Buffer.alloc(0) };
    this.#files.set(path, file);
    this.#names.set(path, file);
    return {
      append: async (bytes: Uint8Array) => {
        const { random } = this.#faults;
        const grow = (part: Uint8Array) => {
          file.seen = Buffer.concat([file.seen, part]);
        };
        const half = bytes.subarray(0, Math.floor(random() * bytes.length));
        try {
          if (this.#step('write') === 'ok') return grow(bytes);
        } catch (error) {
          grow(half);
          throw error;
        }
        grow(half);
        throw new Error('ENOSPC');
      },
      sync: async () => {
        if (this.#step('sync') === 'lost') throw new Error('EIO');
        file.durable = file.seen;
      },
      truncate: async (bytes: number) => {
        this.#step('write');
        file.seen = file.seen.subarray(0, bytes);
      },
      close: async () => this.#step('read') as unknown as undefined,
    };
  }

  async write(path: string, bytes: Uint8Array) {
    if (this.#step('write') === 'full') throw new Error('ENOSPC');
    this.#files.set(path, { durable: Buffer.alloc(0), seen: Buffer.from(bytes) });
  }

  async replace(path: string, bytes: Uint8Array) {
    const made = { durable: Buffer.from(bytes), seen: Buffer.from(bytes) };
    if (this.#step('write') === 'full') throw new Error('ENOSPC');
    // Between the rename and the sync of the folder either of the two is there.
    this.#files.set(path, made);
    if (this.#step('sync') === 'lost') throw new Error('EIO');
    this.#names.set(path, made);
  }

  async sync(paths: readonly string[]) {
    for (const path of paths) {
      if (this.#step('sync') === 'lost') throw new Error('EIO');
      const file = this.#files.get(path);
      if (file === undefined) throw new Error(`ENOENT ${path}`);
      file.durable = file.seen;
      this.#names.set(path, file);
    }
  }

  async remove(path: string) {
    this.#step('write');
    this.#files.delete(path);
    // Removed for sure only later: a crash may bring it back.
    if (this.#faults.random() < 0.5) this.#names.delete(path);
  }
}

/** What is on the disk of a file that was not synced: up to somewhere behind what was, at times with garbage. */
function torn({ durable, seen }: File, random: () => number): Buffer {
  if (durable.equals(seen)) return seen;
  // Truncation that was not synced may be undone.
  if (!seen.subarray(0, durable.length).equals(durable)) return random() < 0.5 ? durable : seen;
  const end = durable.length + Math.floor(random() * (seen.length - durable.length + 1));
  const kept = Buffer.from(seen.subarray(0, end));
  if (end > durable.length && random() < 0.3) kept.writeUInt8(kept.readUInt8(end - 1) ^ 0xff, end - 1);
  return kept;
}
