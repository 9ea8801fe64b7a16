/** A disk in memory that never fails, whose files can be copied and changed behind the log's back. */
import type { Disk } from '../../src/tlog/disk.ts';

export class MemoryDisk implements Disk {
  readonly files: Map<string, Buffer>;

  constructor(files: Iterable<readonly [string, Buffer]> = []) {
    this.files = new Map(files);
  }

  copy(): MemoryDisk {
    return new MemoryDisk(this.files);
  }

  async read(path: string) {
    return this.files.get(path);
  }

  async list(folder: string) {
    return [...this.files.keys()]
      .filter((path) => path.startsWith(`${folder}/`))
      .map((path) => path.slice(folder.length + 1));
  }

  async append(path: string) {
    const now = () => this.files.get(path) ?? Buffer.alloc(0);
    this.files.set(path, now());
    return {
      append: async (bytes: Uint8Array) => void this.files.set(path, Buffer.concat([now(), bytes])),
      sync: async () => undefined,
      truncate: async (bytes: number) => void this.files.set(path, now().subarray(0, bytes)),
      close: async () => undefined,
    };
  }

  async write(path: string, bytes: Uint8Array) {
    this.files.set(path, Buffer.from(bytes));
  }

  async replace(path: string, bytes: Uint8Array) {
    this.files.set(path, Buffer.from(bytes));
  }

  async sync() {}

  async remove(path: string) {
    this.files.delete(path);
  }
}
