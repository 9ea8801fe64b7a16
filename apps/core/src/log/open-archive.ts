import type { LogArchive } from './archive.ts';
import { LogFiles } from './files.ts';

/**
 * Object storage where a URL names it. Without one: files in the data directory beside an embedded database, and
 * nothing beside an external one, which each replica reads and whose own copies it has.
 */
export async function openArchive(where: {
  readonly url: string | undefined;
  readonly external: boolean;
  readonly dir: string;
}): Promise<LogArchive | undefined> {
  if (where.url !== undefined) {
    // The client is large: only who uses it loads it.
    const { LogObjects } = await import('./objects.ts');
    return new LogObjects(where.url);
  }
  return where.external ? undefined : new LogFiles(where.dir);
}
