/** The keys of `--key`, by which a file is checked that brings keys of its own. */
import { trustedKeys } from '@mcp/provenance';
import { CliError, EXIT, messageOf, printable } from '../errors.ts';
import { paint } from '../ui.ts';

/** For an option that is repeated. */
export function gather(value: string, before: readonly string[]): string[] {
  return [...before, value];
}

/** Undefined where none is given: those that the file brings count. */
export function keysGiven(keys: readonly string[]): ReturnType<typeof trustedKeys> | undefined {
  if (keys.length === 0) return undefined;
  try {
    return trustedKeys(keys);
  } catch (error) {
    throw new CliError(`--key: ${messageOf(error)}`, EXIT.usage);
  }
}

/** Keys that came with a file, or from who is checked, prove nothing about who made it: they are to be compared. */
export function ownKeys(keys: readonly string[], from = 'with the bundle'): string[] {
  return [
    paint(
      'yellow',
      `The keys came ${from}. Compare them with those that you trust, or give them with --key:`,
    ),
    ...keys.map((key) => `  ${printable(key)}`),
  ];
}
