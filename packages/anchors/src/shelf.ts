/** What a place must be able to do to hold anchored checkpoints: keep texts that are never written over. */

/** A text that is larger than this is none of ours; what is behind it is not read. */
export const MAX_TEXT_BYTES = 256 * 1024;
/** Names that are looked at in one folder: those of a checkpoint an hour for eleven years. */
export const MAX_NAMES = 100_000;

export interface Shelf {
  /** Where it is, without secrets. */
  readonly place: string;
  /** Keeps a text under a name that nothing has yet; durable once it resolves. False: there is something of that name. */
  put(name: string, text: string): Promise<boolean>;
  /** Undefined where there is nothing of that name, or something larger than any text of ours. */
  get(name: string): Promise<string | undefined>;
  /** All names, at most `MAX_NAMES`. */
  list(): Promise<readonly string[]>;
  close(): void;
}
