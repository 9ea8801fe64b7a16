/** A folder as a shelf: each text a file, readable by everybody and written once. */
import { constants } from 'node:fs';
import { mkdir, open, opendir } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { syncAt } from '@mcp/provenance/tlog';
import { MAX_NAMES, MAX_TEXT_BYTES, type Shelf } from './shelf.ts';

/** `root` has to be there, for one that is not may be a volume that is not mounted; the folder in it is made. */
export function folderShelf(root: string, folder: string): Shelf {
  const dir = join(root, folder);
  return {
    place: dir,
    async put(name, text) {
      const made = await mkdir(dir).then(
        () => true,
        (error: NodeJS.ErrnoException) => {
          if (error.code === 'EEXIST') return false;
          throw error;
        },
      );
      if (made) await syncAt(dirname(dir));
      const file = await open(join(dir, name), 'wx', 0o444).catch((error: NodeJS.ErrnoException) => {
        if (error.code === 'EEXIST') return undefined;
        throw error;
      });
      if (file === undefined) return false;
      try {
        await file.writeFile(text);
        await file.sync();
      } finally {
        await file.close();
      }
      await syncAt(dir);
      return true;
    },
    get: (name) => textAt(join(dir, name)),
    async list() {
      const names: string[] = [];
      const entries = await opendir(dir).catch(noneThere);
      if (entries === undefined) return [];
      for await (const { name } of entries) {
        names.push(name);
        if (names.length > MAX_NAMES)
          throw new Error(`${dir} has more than ${MAX_NAMES} files: move the oldest to an archive.`);
      }
      return names;
    },
    close: () => undefined,
  };
}

/** A file of at most so many bytes as a text of ours has; undefined: there is none, or something else. */
export async function textAt(path: string): Promise<string | undefined> {
  // A pipe would be waited for.
  const file = await open(path, constants.O_RDONLY | constants.O_NONBLOCK).catch(noneThere);
  if (file === undefined) return undefined;
  try {
    const stats = await file.stat();
    if (!stats.isFile() || stats.size > MAX_TEXT_BYTES) return undefined;
    const { buffer, bytesRead } = await file.read(Buffer.alloc(MAX_TEXT_BYTES), 0, MAX_TEXT_BYTES, 0);
    return buffer.subarray(0, bytesRead).toString();
  } finally {
    await file.close();
  }
}

function noneThere(error: NodeJS.ErrnoException): undefined {
  if (error.code === 'ENOENT') return undefined;
  throw error;
}
