import type { EncryptedLog } from '@mcp/provenance';

/** Where committed logs are kept beside the store, in the blueprint's format with their records encrypted. */
export interface LogArchive {
  /** What it is, in the words of a verdict. */
  readonly name: string;
  /** Writes a log whole; it is durable when this returns. Throws `unavailable` with the reason. */
  write(log: EncryptedLog): Promise<void>;
  /** Keeps of a log what is left of it, and nothing older. Throws `unavailable` with the reason. */
  erase(tombstone: EncryptedLog): Promise<void>;
  /** The newest there is, as it was read; undefined when there is none. Throws SyntaxError when it is not JSON. */
  read(id: string): Promise<unknown>;
  /** Writes the file of an audit bundle beside them. Throws where it is not durable. */
  writeAudit(id: string, file: string): Promise<void>;
  close(): void;
}
