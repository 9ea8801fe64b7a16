import { type AnthropicModelsQuery, PlatformError, type WireListQuery } from '@mcp/contracts';

/** What OpenAI's lists say of a page. */
export function pageObject(data: readonly { readonly id: string }[], has_more: boolean): object {
  return {
    object: 'list',
    data,
    ...endsOf(data),
    has_more,
  };
}

/** A page of a list that is there as a whole, in its own order. */
export function pageOf(
  all: readonly { readonly id: string }[],
  { after, limit, order }: WireListQuery,
): object {
  const ordered = order === 'asc' ? all : all.toReversed();
  const at = after === undefined ? -1 : placeOf(ordered, { param: 'after', id: after });
  const page = ordered.slice(at + 1, at + 1 + limit);
  return pageObject(page, ordered.length > at + 1 + limit);
}

/** A page of a list that is there as a whole, as Anthropic's have it: after an item, or the last before one. */
export function anthropicPage(
  all: readonly { readonly id: string }[],
  { after_id, before_id, limit }: AnthropicModelsQuery,
): object {
  if (after_id !== undefined && before_id !== undefined)
    throw new PlatformError('invalid_request', 'before_id: stands beside after_id. Give one of them.', {
      param: 'before_id',
    });
  const from = after_id === undefined ? 0 : placeOf(all, { param: 'after_id', id: after_id }) + 1;
  const to = before_id === undefined ? all.length : placeOf(all, { param: 'before_id', id: before_id });
  const data =
    before_id === undefined ? all.slice(from, from + limit) : all.slice(Math.max(0, to - limit), to);
  const { first_id, last_id } = endsOf(data);
  return { data, has_more: to - from > limit, first_id, last_id };
}

function endsOf(page: readonly { readonly id: string }[]) {
  return { first_id: page[0]?.id ?? null, last_id: page.at(-1)?.id ?? null };
}

function placeOf(
  list: readonly { readonly id: string }[],
  { param, id }: { readonly param: 'after' | 'after_id' | 'before_id'; readonly id: string },
): number {
  const at = list.findIndex((item) => item.id === id);
  if (at >= 0) return at;
  const end = param === 'before_id' ? 'first_id of the page after' : 'last_id of the page before';
  throw new PlatformError(
    'invalid_request',
    `${param}: ${id.slice(0, 60)} is not in this list. Give the ${end}, or leave it out.`,
    { param },
  );
}
