import {
  type CallContext,
  MAX_CHAIN_ANSWERS,
  PlatformError,
  ResponseItem,
  type ResponseTokensRequest,
} from '@mcp/contracts';
import { inputItems, responseOf, type Said, type SaidItem } from '@mcp/wire';
import { z } from 'zod';
import type { Gateway } from '../gateway.ts';

const Items = z.array(ResponseItem);

/** What is said, and the conversation that has what was said last; undefined: nothing was said before. */
interface SaidEarlier extends Said {
  readonly conversation_id: string | undefined;
}

/**
 * What a Responses request says with what it builds on: the responses before `previous_response_id`, and the items that
 * it only refers to. Both are the caller's own. Throws `not_found`, `context_length_exceeded`.
 */
export async function saidBy(
  gateway: Gateway,
  request: ResponseTokensRequest,
  call: CallContext,
): Promise<SaidEarlier> {
  const items = await resolved(gateway, inputItems(request.input), call);
  if (request.previous_response_id == null) return { earlier: [], items, conversation_id: undefined };
  const chain = await gateway.kit.clients.core.answerChain(request.previous_response_id, call);
  return {
    earlier: chain.flatMap(({ input, output }) => [...itemsIn(input), ...itemsIn(output)]),
    items,
    conversation_id: chain.at(-1)?.conversation_id,
  };
}

/** The items of a list that was stored. */
function itemsIn(json: string): SaidItem[] {
  return Items.parse(JSON.parse(json)).filter((item) => item.type !== 'item_reference');
}

async function resolved(
  gateway: Gateway,
  items: readonly ResponseItem[],
  call: CallContext,
): Promise<SaidItem[]> {
  const references = items.flatMap((item) => (item.type === 'item_reference' ? [item.id] : []));
  if (references.length === 0) return items.filter((item) => item.type !== 'item_reference');
  const ids = [...new Set(references.flatMap((id) => responseOf(id) ?? []))];
  if (ids.length > MAX_CHAIN_ANSWERS)
    throw new PlatformError(
      'invalid_request',
      `input: refers to items of ${ids.length} responses; at most ${MAX_CHAIN_ANSWERS} are looked up. Send older items as they are.`,
      { param: 'input' },
    );
  const answers = ids.length === 0 ? [] : await gateway.kit.clients.core.findAnswers({ ids }, call);
  const found = new Map(answers.flatMap(({ output }) => itemsIn(output)).map((item) => [item.id, item]));
  return items.map((item, at) => {
    if (item.type !== 'item_reference') return item;
    const known = found.get(item.id);
    if (known !== undefined) return known;
    throw new PlatformError(
      'not_found',
      `input.${at}: there is no item ${item.id.slice(0, 80)} in the output of a stored response of yours. Send the item itself.`,
      { param: `input.${at}` },
    );
  });
}
