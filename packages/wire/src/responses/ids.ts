/**
 * Ids of items: opaque to clients, and they say which response an item is of, so that a reference to one is found
 * without an index.
 */
const ITEM = /^(?:msg|rs|fc|fco)_([0-9a-f]{48})([io])([0-9a-f]{3})$/;

export type ItemPrefix = 'msg' | 'rs' | 'fc' | 'fco';

/** The id of an item of a response: of its input (`i`) or output (`o`). */
export function itemId(
  prefix: ItemPrefix,
  { response_id, of, at }: { readonly response_id: string; readonly of: 'i' | 'o'; readonly at: number },
): string {
  return `${prefix}_${response_id.replace(/^resp_/, '')}${of}${at.toString(16).padStart(3, '0')}`;
}

/** The response whose output has an item; undefined for an id that is of no output here. */
export function responseOf(item_id: string): string | undefined {
  const [, response, of] = ITEM.exec(item_id) ?? [];
  return of === 'o' ? `resp_${response}` : undefined;
}
