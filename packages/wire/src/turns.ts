/** Messages as turns that take turns, as the APIs of providers other than OpenAI want them. */
import type { ChatMessage } from '@mcp/contracts';

/** A part of a turn in a provider's words. */
export type Block = Readonly<Record<string, unknown>>;

interface Turn<R extends string> {
  readonly role: R;
  readonly blocks: Block[];
}

/**
 * What one side says in several messages is one turn, in their order. A message of which `turnOf` makes nothing is
 * left out. An answer that the last message begins may not end in white space.
 */
export function inTurns<R extends string>(
  messages: readonly ChatMessage[],
  turnOf: (message: ChatMessage) => Turn<R> | undefined,
): readonly Turn<R>[] {
  const turns: Turn<R>[] = [];
  for (const message of messages) {
    const turn = turnOf(message);
    if (turn === undefined || turn.blocks.length === 0) continue;
    const before = turns.at(-1);
    if (before?.role === turn.role) before.blocks.push(...turn.blocks);
    else turns.push({ role: turn.role, blocks: [...turn.blocks] });
  }
  const block = turns.at(-1)?.blocks.at(-1);
  if (messages.at(-1)?.role === 'assistant' && typeof block?.text === 'string')
    turns.at(-1)?.blocks.splice(-1, 1, { ...block, text: block.text.trimEnd() });
  return turns;
}
