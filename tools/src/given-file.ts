/** Files that somebody gives to a command: regular ones of bounded size, in UTF-8, with JSON that does not nest without end. */
import { closeSync, constants, fstatSync, openSync, readSync } from 'node:fs';
import { nestsDeeper } from '@mcp/contracts';
import { CliError, messageOf } from './errors.ts';

/** As deep as a body may nest that is sent to the gateway. */
const MAX_LEVELS = 64;

export interface Given {
  /** What it has to be, for messages: `a proof bundle`. */
  readonly what: string;
  readonly max_bytes: number;
}

/** The text of a file. Throws a CliError with the rule that it breaks. */
export function readGiven(path: string, { what, max_bytes }: Given): string {
  const bytes = bytesOf(path, { what, max_bytes });
  try {
    return new TextDecoder('utf-8', { fatal: true, ignoreBOM: true }).decode(bytes);
  } catch {
    throw new CliError(`${path} is not UTF-8, as ${what} is. Give the file as it was written.`);
  }
}

/** The value of a file of JSON. Throws a CliError with the rule that it breaks. */
export function readGivenJson(path: string, given: Given): unknown {
  const text = readGiven(path, given);
  if (nestsDeeper(text, MAX_LEVELS))
    throw new CliError(`${path} nests deeper than ${MAX_LEVELS} levels: ${given.what} does not.`);
  try {
    return JSON.parse(text);
  } catch (error) {
    throw new CliError(`${path} is not JSON, as ${given.what} is: ${messageOf(error)}`);
  }
}

function bytesOf(path: string, { what, max_bytes }: Given): Uint8Array {
  let file: number | undefined;
  try {
    // A pipe that nobody writes to would be waited for without it.
    file = openSync(path, constants.O_RDONLY | constants.O_NONBLOCK);
    const stat = fstatSync(file);
    if (!stat.isFile())
      throw new CliError(
        `${path} is ${kindOf(stat)}, and ${what} is a regular file. Write it to one, and give that.`,
      );
    const bytes = stat.size > max_bytes ? undefined : upTo(file, max_bytes);
    if (bytes !== undefined) return bytes;
    throw new CliError(
      `${path} has ${stat.size} bytes; ${what} has at most ${max_bytes}. Give the one that you mean.`,
    );
  } catch (error) {
    if (error instanceof CliError) throw error;
    throw new CliError(`${path} cannot be read (${messageOf(error)}). Give the path of ${what}.`);
  } finally {
    if (file !== undefined) closeSync(file);
  }
}

/** What is in a file, also where its size says nothing or it grows; undefined: it is more. */
function upTo(file: number, max_bytes: number): Uint8Array | undefined {
  const chunks: Uint8Array[] = [];
  for (let bytes = 0; bytes <= max_bytes; ) {
    const chunk = Buffer.alloc(256 * 1024);
    const read = readSync(file, chunk);
    if (read === 0) return Buffer.concat(chunks);
    chunks.push(chunk.subarray(0, read));
    bytes += read;
  }
  return undefined;
}

function kindOf(stat: ReturnType<typeof fstatSync>): string {
  if (stat.isDirectory()) return 'a folder';
  if (stat.isFIFO()) return 'a pipe';
  return 'a device or socket';
}
