import { type RawBuilder, sql } from 'kysely';

/** Which database it is: what differs between them is here. */
export type Dialect = 'sqlite' | 'postgres';

/**
 * The database's own time, so many milliseconds on, in ISO 8601. Leases are held against this clock alone: those of
 * the replicas may differ.
 */
export function timeIn(dialect: Dialect, ms: number): RawBuilder<string> {
  return dialect === 'sqlite'
    ? sql<string>`strftime('%Y-%m-%dT%H:%M:%fZ', 'now', ${`${ms / 1000} seconds`})`
    : sql<string>`to_char(clock_timestamp() at time zone 'utc' + make_interval(secs => ${ms / 1000}), 'YYYY-MM-DD"T"HH24:MI:SS.MS"Z"')`;
}

const DAY_MS = 24 * 60 * 60_000;

/** So many days ago by this process's clock, in ISO 8601: what is kept by days need not be exact. */
export function daysAgo(days: number, now_ms = Date.now()): string {
  return new Date(now_ms - days * DAY_MS).toISOString();
}
