import { jsonOf, PlatformError } from '@mcp/contracts';
import { z } from 'zod';

/** Where a page of the list ends: the order is by time, then id, so that equal times are not skipped. */
const Place = z.tuple([z.iso.datetime(), z.uuid()]);
type Place = z.infer<typeof Place>;

/** A place in a list as text that clients give back as it is. */
export function cursorOf({ updated_at, id }: { updated_at: string; id: string }): string {
  return Buffer.from(JSON.stringify([updated_at, id] satisfies Place)).toString('base64url');
}

/** Throws `invalid_request` for anything that {@link cursorOf} did not make. */
export function placeOf(cursor: string): Place {
  const parsed = Place.safeParse(jsonOf(Buffer.from(cursor, 'base64url').toString('utf8')));
  if (parsed.success && cursorOf({ updated_at: parsed.data[0], id: parsed.data[1] }) === cursor)
    return parsed.data;
  throw new PlatformError(
    'invalid_request',
    'cursor: this is not a cursor of the list. Give next_cursor of the page before, or leave it out for the first page.',
    { param: 'cursor' },
  );
}

/** A page of rows that were read by `limit + 1`, to know whether there is another behind it. */
export function cutPage<R>(
  rows: readonly R[],
  limit: number,
  placeIn: (row: R) => { readonly updated_at: string; readonly id: string },
): { readonly page: readonly R[]; readonly next_cursor: string | null } {
  const page = rows.slice(0, limit);
  const last = rows.length > limit ? page.at(-1) : undefined;
  return { page, next_cursor: last === undefined ? null : cursorOf(placeIn(last)) };
}
