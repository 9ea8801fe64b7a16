/** What a log needs of a disk, so that tests can give it one that fails as disks do. */
import { type FileHandle, mkdir, open, readdir, readFile, rename, rm } from 'node:fs/promises';
import { dirname, join } from 'node:path';

/** A file that only grows. */
export interface Appender {
  append(bytes: Uint8Array): Promise<void>;
  /** Resolves once everything appended is on the disk. */
  sync(): Promise<void>;
  truncate(bytes: number): Promise<void>;
  close(): Promise<void>;
}

export interface Disk {
  /** Undefined where there is no such file. */
  read(path: string): Promise<Buffer | undefined>;
  /** The names in a folder; none where it is not there. */
  list(folder: string): Promise<readonly string[]>;
  /** Makes the file if need be; its entry in the folder is on the disk. */
  append(path: string): Promise<Appender>;
  /** Writes a file as a whole: readers see the old or the new one. After a crash it may be either, or torn. */
  write(path: string, bytes: Uint8Array): Promise<void>;
  /** As {@link Disk.write}, and after a crash it is the old or the new one; once it resolves, the new one. */
  replace(path: string, bytes: Uint8Array): Promise<void>;
  /** Resolves once files that were written, and their entries in their folders, are on the disk. */
  sync(paths: readonly string[]): Promise<void>;
  remove(path: string): Promise<void>;
}

const SYNCS_AT_ONCE = 8;

/** A folder of this machine. */
export function folderDisk(root: string): Disk {
  const at = (path: string) => join(root, path);
  const made = new Set<string>();
  const folderOf = async (path: string) => {
    const folder = dirname(at(path));
    if (made.has(folder)) return;
    const first = await mkdir(folder, { recursive: true, mode: 0o700 });
    // The folders that were made are entries of others.
    if (first !== undefined)
      for (let one = folder; one.length >= first.length; one = dirname(one)) await syncAt(dirname(one));
    made.add(folder);
  };
  const whole = async (path: string, bytes: Uint8Array, durable: boolean) => {
    await folderOf(path);
    const temporary = `${at(path)}.new`;
    const file = await open(temporary, 'w', 0o600);
    try {
      await file.writeFile(bytes);
      if (durable) await file.sync();
    } finally {
      await file.close();
    }
    await rename(temporary, at(path));
  };
  return {
    async read(path) {
      return readFile(at(path)).catch((error: NodeJS.ErrnoException) => {
        if (error.code === 'ENOENT') return undefined;
        throw error;
      });
    },
    async list(folder) {
      return readdir(at(folder)).catch((error: NodeJS.ErrnoException) => {
        if (error.code === 'ENOENT') return [];
        throw error;
      });
    },
    async append(path) {
      await folderOf(path);
      const file = await open(at(path), 'a', 0o600);
      await syncAt(dirname(at(path)));
      return appender(file);
    },
    write: (path, bytes) => whole(path, bytes, false),
    async replace(path, bytes) {
      await whole(path, bytes, true);
      await syncAt(dirname(at(path)));
    },
    async sync(paths) {
      for (let n = 0; n < paths.length; n += SYNCS_AT_ONCE)
        await Promise.all(paths.slice(n, n + SYNCS_AT_ONCE).map((path) => syncAt(at(path))));
      for (const folder of new Set(paths.map((path) => dirname(at(path))))) await syncAt(folder);
    },
    remove: (path) => rm(at(path), { force: true }),
  };
}

function appender(file: FileHandle): Appender {
  return {
    async append(bytes) {
      for (let done = 0; done < bytes.length; ) {
        const { bytesWritten } = await file.write(bytes, done);
        done += bytesWritten;
      }
    },
    sync: () => file.datasync(),
    truncate: (bytes) => file.truncate(bytes),
    close: () => file.close(),
  };
}

/** A file or folder to the disk. */
export async function syncAt(path: string): Promise<void> {
  const file = await open(path, 'r');
  try {
    await file.sync();
  } finally {
    await file.close();
  }
}
