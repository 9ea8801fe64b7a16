/** The answer that quotes what others say where no evidence decides: made by the platform, recorded as an extra turn. */
import { randomUUID } from 'node:crypto';
import type { ModelEvent } from '@mcp/contracts';
import type { FinishedTurn } from '@mcp/conversation';
import { Findings, type Guard, guardEvents } from '@mcp/safety/guard';
import type { Emit } from './events.ts';
import type { Session } from './sessions.ts';

/** What such an answer is by: no model said it. */
const QUOTING_MODEL = 'mcp/quoting';

interface Quoting {
  readonly turn: number;
  /** What it quotes others beside. */
  readonly answer: FinishedTurn;
  readonly text: string;
  /** The steps that it is made from. */
  readonly parents: readonly string[];
  readonly emit: Emit;
}

/** Records the text as a further answer of the same participant. What the safety policy would not let out is left out. */
export async function keepQuoting(
  guard: Guard,
  { recorder, trace_id }: Session,
  { turn, answer, text, parents, emit }: Quoting,
): Promise<void> {
  const findings = new Findings();
  let content = '';
  for await (const event of guardEvents(guard, eventsOf(text, answer), findings)) {
    if (event.type === 'text') content += event.text;
    else if (event.type === 'finish' && event.reason.unified === 'content_filter') return;
  }
  const { participant, finish_reason } = answer;
  const model = QUOTING_MODEL;
  const usage = { input_tokens: 0, output_tokens: 0 };
  const message_id = randomUUID();
  const step = recorder.newStepId();
  const safety = findings.verdict === undefined ? {} : { safety: findings.verdict };
  const which = { message_id, turn, step, participant };
  emit({ type: 'message.start', ...which, attempt: 1, role: participant, model });
  emit({ type: 'delta', ...which, text: content });
  const said = { kind: 'critique', parents: [...parents], participant, model, content } as const;
  await recorder.append([{ step, ...said, trace_id, message_id, finish_reason, usage, ...safety }]);
  emit({ type: 'message.end', ...which, finish_reason, usage, content, ...safety });
}

async function* eventsOf(text: string, { finish_reason }: FinishedTurn): AsyncGenerator<ModelEvent> {
  yield { type: 'text', choice: 0, text };
  yield { type: 'finish', choice: 0, reason: finish_reason };
}
