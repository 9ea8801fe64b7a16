import { setTimeout as sleep } from 'node:timers/promises';
import type { CallContext, ChatEvent, ChatResponse } from '@mcp/contracts';
import { stateOf, stepsOf } from '@mcp/conversation';
import { type AccessLog, recordReading } from '../encryption/accesses.ts';
import type { ConversationStore, Stored } from '../store/conversations.ts';
import { type EventLog, isLast } from './event-log.ts';
import { EVENTS_PER_RECORD } from './events.ts';
import { modelsOf, responseOf, turnNumber } from './response.ts';

const LOOK_EVERY_MS = 500;
/** How late events of a run may be in the log. */
const LATE_MS = 1500;
const MOST_LOOKS = 1 + LATE_MS / LOOK_EVERY_MS;
/** Rebuilt events are numbered in the last part of what is set aside before the next record. */
const REBUILT = 2000;

interface AttachDeps {
  readonly store: ConversationStore;
  readonly log: EventLog;
  readonly accesses: AccessLog;
}

/**
 * The events of a conversation's latest run after number `after`: what was missed, then what comes, until its `done`
 * or `error`. Nothing when that was seen already. What the log does not hold any more is rebuilt from the records, so
 * that a turn comes as a whole. Throws `not_found` for a conversation that the caller may not see.
 */
export async function* attach(
  deps: AttachDeps,
  request: { readonly id: string; readonly after: number },
  call: CallContext,
): AsyncGenerator<ChatEvent> {
  const { id } = request;
  let { after } = request;
  await recordReading(deps.accesses, await deps.store.get(id, call.principal), call);
  for (let looks = 1; ; looks++) {
    call.signal.throwIfAborted();
    const run = await deps.log.latestRun(id);
    let ended = false;
    let told = false;
    if (run !== undefined)
      for await (const event of untilSettled(deps, { id, run }, call)) {
        if (event.seq > after) {
          after = event.seq;
          told = true;
          yield event;
        }
        ended = isLast(event);
        if (ended) break;
      }
    if (ended && told) return;
    const stored = await deps.store.get(id, call.principal);
    // The last events of a run reach the log a moment after the store knows that it is over.
    const settled = looks === MOST_LOOKS || ageMs(stored) > LATE_MS;
    if (stored.summary.status !== 'running' && settled) {
      if (!ended) yield* rebuilt(stored).filter(({ seq }) => seq > after);
      return;
    }
    if (stored.summary.status === 'running') looks = 0;
    await sleep(LOOK_EVERY_MS, undefined, { signal: call.signal });
  }
}

function ageMs({ summary }: Stored): number {
  return Date.now() - Date.parse(summary.updated_at);
}

/** Follows a run; ends without its last event when the store says that it is over and the log has nothing more. */
async function* untilSettled(
  { store, log }: AttachDeps,
  { id, run }: { id: string; run: number },
  call: CallContext,
): AsyncGenerator<ChatEvent> {
  const over = new AbortController();
  const leave = () => over.abort();
  call.signal.addEventListener('abort', leave, { once: true });
  let quiet = false;
  const watch = setInterval(() => {
    // Seen to be over twice, with nothing in between: the last event was lost.
    store.get(id, call.principal).then(
      ({ summary }) => {
        if (summary.status !== 'running' && quiet) over.abort();
        quiet = summary.status !== 'running';
      },
      () => undefined,
    );
  }, LOOK_EVERY_MS * 2);
  try {
    for await (const event of log.follow(id, run, over.signal)) {
      quiet = false;
      yield event;
    }
  } finally {
    clearInterval(watch);
    call.signal.removeEventListener('abort', leave);
  }
}

/** The current question's events as its records have them. */
function rebuilt(stored: Stored): ChatEvent[] {
  const { summary, records } = stored;
  const { decision } = stateOf(records);
  const response = responseOf(
    { ...summary, records },
    summary.status === 'running' || summary.status === 'failed' ? 'interrupted' : summary.status,
  );
  const first = Math.max(1, records.length) * EVENTS_PER_RECORD - REBUILT;
  const events: Unnumbered[] = [
    {
      type: 'start',
      conversation_id: summary.id,
      trace_id: summary.trace_id,
      mode: summary.mode,
      participants: summary.participants,
      models: modelsOf(summary.participants),
      exchanges: summary.exchanges,
    },
    ...turnsOf(summary, records),
    ...(decision === undefined ? [] : [{ type: 'decision', ...decision } as const]),
    ending(stored, response),
  ];
  return events.map((event, at) => ({ ...event, seq: first + at }) as ChatEvent);
}

type Unnumbered = {
  [T in ChatEvent['type']]: Omit<Extract<ChatEvent, { type: T }>, 'seq'>;
}[ChatEvent['type']];

/** Turns on the current question, those that were cut short included. */
function turnsOf(summary: Stored['summary'], records: Stored['records']): Unnumbered[] {
  const steps = stepsOf(records);
  const from = steps.findLastIndex(({ kind }) => kind === 'question') + 1;
  let turns = 0;
  return records.slice(from).flatMap((record, at): Unnumbered[] => {
    const { id: step, kind, participant } = steps[from + at] ?? { id: '', kind: 'system' };
    if ((kind !== 'turn' && kind !== 'critique') || participant === undefined) return [];
    const turn = turnNumber(summary, participant, turns++);
    const { message_id, model = '', content } = record;
    const confidence = 'confidence' in record ? record.confidence : undefined;
    const which = { message_id, turn, step, participant };
    return [
      { type: 'message.start', ...which, attempt: 1, role: participant, model },
      {
        type: 'message.end',
        ...which,
        finish_reason: record.finish_reason ?? { unified: 'other', raw: null },
        usage: record.usage ?? { input_tokens: 0, output_tokens: 0 },
        content,
        ...(confidence === undefined ? {} : { confidence }),
      },
    ];
  });
}

function ending({ summary }: Stored, response: ChatResponse): Unnumbered {
  if (summary.status === 'completed' || summary.status === 'cancelled') return { type: 'done', response };
  return {
    type: 'error',
    code: 'upstream_interrupted',
    message: `The conversation ${summary.id} was interrupted. Go on with it by its conversation_id.`,
    retryable: true,
    conversation_id: summary.id,
    trace_id: summary.trace_id,
    retry_after_ms: null,
  };
}
