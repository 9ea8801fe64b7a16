/** How streams say that another model goes on: by a comment, which clients of server-sent events pass over (WHATWG HTML, 9.2). */
import { jsonOf, type ModelEvent, StreamResumed } from '@mcp/contracts';

type Resumed = Extract<ModelEvent, { type: 'stream_resumed' }>;

const NAME = 'x-mcp-resumed';

export function resumedComment({ from, to, code }: Resumed): string {
  return `: ${NAME} ${JSON.stringify({ from, to, code })}\n\n`;
}

/** The event of such a comment; undefined for any other. */
export function readResumed(comment: string): Resumed | undefined {
  const text = comment.trimStart();
  if (!text.startsWith(`${NAME} `)) return undefined;
  const parsed = StreamResumed.safeParse(jsonOf(text.slice(NAME.length + 1))).data;
  return parsed && { type: 'stream_resumed', ...parsed };
}
