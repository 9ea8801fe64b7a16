import { CliError, EXIT } from './errors.ts';

/** A time as it is given on the command line: a day counts from its beginning in UTC. */
export function timeOf(text: string): Date {
  const time = new Date(text);
  if (Number.isNaN(time.getTime()))
    throw new CliError(
      `${text.slice(0, 80)} is no day or time: write 2026-11-29, or 2026-11-29T08:00:00Z.`,
      EXIT.usage,
    );
  return time;
}
