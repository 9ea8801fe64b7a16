import type { CallContext, CoreApi } from '@mcp/contracts';
import type { JobHandler } from './job.ts';

const PAGE = 200;

/** Conversations of the owner as JSON lines: those named, or all. However many there are, the result says how many. */
export const exportConversations: JobHandler<'export'> = async (run) => {
  const { id, spec, call, results, progress } = run;
  const { core } = run.clients;
  const ids =
    spec.conversation_ids ??
    (await allIds(core, call, (found) => progress(0, found, `found ${found} conversations`)));
  async function* lines(): AsyncGenerator<string> {
    for (const [at, conversation_id] of ids.entries()) {
      call.signal.throwIfAborted();
      progress(at, ids.length, `exporting ${conversation_id}`);
      yield `${JSON.stringify(await core.getConversation(conversation_id, call))}\n`;
    }
  }
  const stored = await results.put(id, 'application/jsonl; charset=utf-8', lines());
  progress(ids.length, ids.length, 'done');
  return { format: spec.format, conversations: ids.length, ...stored };
};

/** Ids first: what changes its place in the list meanwhile is then neither missed nor taken twice. */
async function allIds(core: CoreApi, call: CallContext, onPage: (found: number) => void): Promise<string[]> {
  const found = new Set<string>();
  let cursor: string | undefined;
  for (;;) {
    call.signal.throwIfAborted();
    const page = await core.listConversations({ limit: PAGE, cursor }, call);
    for (const { id } of page.conversations) found.add(id);
    onPage(found.size);
    if (page.next_cursor === null) return [...found];
    cursor = page.next_cursor;
  }
}
