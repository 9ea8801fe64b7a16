import type { ConversationLog } from '@mcp/contracts';
import { LogFiles } from './files.ts';

/** Where sealed logs are kept beside the store, in the blueprint's format. */
export interface LogArchive {
  /** What it is, in the words of a verdict. */
  readonly name: string;
  /** Writes a sealed log whole; it is durable when this returns. Throws `unavailable` with the reason. */
  write(log: ConversationLog): Promise<void>;
  /** The newest there is, as it was read; undefined when there is none. Throws SyntaxError when it is not JSON. */
  read(id: string): Promise<unknown>;
  close(): void;
}

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
