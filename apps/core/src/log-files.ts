import { mkdir, open, readFile, rename, rm } from 'node:fs/promises';
import { join } from 'node:path';
import { type ConversationLog, PlatformError } from '@mcp/contracts';

/** Conversation logs as files (blueprint 9.4): `<dir>/<uuid>.json`, each written whole and never seen in part. */
export class LogFiles {
  readonly #dir: string;

  constructor(data_dir: string) {
    this.#dir = join(data_dir, 'logs', 'conversations');
  }

  /** Writes beside the old file, syncs and renames. Throws `unavailable` with the reason when that fails. */
  async write(log: ConversationLog): Promise<void> {
    const path = this.#path(log.id);
    const next = `${path}.next`;
    try {
      await mkdir(this.#dir, { recursive: true, mode: 0o700 });
      const handle = await open(next, 'w', 0o600);
      try {
        await handle.writeFile(`${JSON.stringify(log, null, 2)}\n`);
        await handle.sync();
      } finally {
        await handle.close();
      }
      await rename(next, path);
    } catch (cause) {
      await rm(next, { force: true }).catch(() => undefined);
      throw new PlatformError(
        'unavailable',
        `The log of conversation ${log.id} cannot be written (${codeOf(cause)}). What was said is kept; free space or mend the data directory, then resume the conversation.`,
        { cause },
      );
    }
  }

  /** The file's content, or undefined when there is none. Throws SyntaxError when it is not JSON. */
  async read(id: string): Promise<unknown> {
    const text = await readFile(this.#path(id), 'utf8').catch((error: NodeJS.ErrnoException) => {
      if (error.code === 'ENOENT') return undefined;
      throw error;
    });
    return text === undefined ? undefined : JSON.parse(text);
  }

  #path(id: string): string {
    return join(this.#dir, `${id}.json`);
  }
}

function codeOf(error: unknown): string {
  return typeof error === 'object' && error !== null && 'code' in error && typeof error.code === 'string'
    ? error.code
    : 'unknown reason';
}
