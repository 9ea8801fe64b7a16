import { contentResult } from './files.ts';
import type { JobHandler } from './job.ts';

const PAGE = 200;
const MAX_CONVERSATIONS = 10_000;

/** Conversations of the owner as JSON lines: those named, or all. */
export const exportConversations: JobHandler<'export'> = async ({ spec, call, clients, dir, progress }) => {
  const ids = spec.conversation_ids ?? (await allIds());
  const lines: string[] = [];
  for (const [at, id] of ids.entries()) {
    progress(at, ids.length, `exporting ${id}`);
    lines.push(JSON.stringify(await clients.core.getConversation(id, call)));
  }
  progress(ids.length, ids.length, 'done');
  return {
    format: spec.format,
    conversations: ids.length,
    ...(await contentResult(dir, 'conversations.jsonl', lines.map((line) => `${line}\n`).join(''))),
  };

  async function allIds(): Promise<string[]> {
    const found: string[] = [];
    let before: string | undefined;
    while (found.length < MAX_CONVERSATIONS) {
      const page = await clients.core.listConversations({ limit: PAGE, before }, call);
      found.push(...page.map(({ id }) => id));
      before = page.at(-1)?.updated_at;
      if (page.length < PAGE) break;
    }
    return found;
  }
};
