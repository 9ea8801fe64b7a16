import { PlatformError, type WireListQuery } from '@mcp/contracts';

/** What OpenAI's lists say of a page. */
export function pageObject(data: readonly { readonly id: string }[], has_more: boolean): object {
  return {
    object: 'list',
    data,
    first_id: data[0]?.id ?? null,
    last_id: data.at(-1)?.id ?? null,
    has_more,
  };
}

/** A page of a list that is there as a whole, in its own order. */
export function pageOf(
  all: readonly { readonly id: string }[],
  { after, limit, order }: WireListQuery,
): object {
  const ordered = order === 'asc' ? all : all.toReversed();
  const at = after === undefined ? -1 : ordered.findIndex(({ id }) => id === after);
  if (after !== undefined && at < 0)
    throw new PlatformError(
      'invalid_request',
      `after: ${after.slice(0, 60)} is not in this list. Give the last_id of the page before, or leave it out.`,
      { param: 'after' },
    );
  const page = ordered.slice(at + 1, at + 1 + limit);
  return pageObject(page, ordered.length > at + 1 + limit);
}
