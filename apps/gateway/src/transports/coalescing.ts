/** What goes together for clients that are slower than the models, and for all while the process has much to do. */
import type { ChatEvent, ModelEvent } from '@mcp/contracts';
import type { Coalescing } from '@mcp/service-kit';
import { MAX_MERGED_CHARS, mergeEvents } from '@mcp/wire';
import type { Gateway } from '../gateway.ts';

/** For streams of completions, in whatever format. */
export function modelCoalescing(gateway: Gateway): Coalescing<ModelEvent> {
  return { merge: mergeEvents, busy: () => isBusy(gateway) };
}

/** For streams of conversations. */
export function chatCoalescing(gateway: Gateway): Coalescing<ChatEvent> {
  return { merge: mergeChatEvents, busy: () => isBusy(gateway) };
}

/** Neighbouring pieces of one turn; whoever comes back asks for what is after the later one. */
function mergeChatEvents(a: ChatEvent, b: ChatEvent): ChatEvent | undefined {
  if (a.type !== 'delta' || b.type !== 'delta' || a.message_id !== b.message_id) return undefined;
  return a.text.length + b.text.length > MAX_MERGED_CHARS ? undefined : { ...b, text: a.text + b.text };
}

function isBusy({ kit }: Gateway): boolean {
  return kit.requests.running > kit.config.MCP_STREAM_HIGH_WATERMARK;
}
