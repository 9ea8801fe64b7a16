/** Where the steps of a log come from, from version 2 on: each may only be made from steps before it. */
import type { ConversationLogV2, LogRecordV2, Step } from '@mcp/contracts';

/** The role that a step has in a log: what it is, or who it is by. */
export function roleOf({ kind, participant }: Pick<Step, 'kind' | 'participant'>): string {
  switch (kind) {
    case 'question':
      return 'user';
    case 'turn':
    case 'critique':
      return participant ?? '';
    case 'system':
    case 'summary':
    case 'decision':
      return kind;
    default:
      return kind satisfies never;
  }
}

interface LineageFlaw {
  readonly seq: number;
  readonly reason: string;
}

type Lineage = Pick<ConversationLogV2, 'participants' | 'models' | 'messages'>;

/** The first step that could not have come about as the log says; undefined when there is none. */
export function checkLineage(lineage: Lineage): LineageFlaw | undefined {
  return lineageFlaws(lineage).next().value ?? undefined;
}

/** Walks over the steps of a log and says of each that could not have come about so, why; one flaw of each record. */
export function* lineageFlaws({
  participants,
  models,
  messages,
}: Lineage): Generator<LineageFlaw, undefined> {
  const ids = new Set(participants.map(({ id }) => id));
  if (ids.size < participants.length)
    yield { seq: 0, reason: 'The header names two participants by the same id.' };
  if (models.length !== participants.length || participants.some(({ model }, at) => model !== models[at]))
    yield { seq: 0, reason: 'The models of the header are not those of its participants.' };
  const before: Before = { steps: new Map(), answers: new Set() };
  for (const record of messages) {
    const reason = flawOf(record, before, ids);
    if (reason !== undefined) yield { seq: record.seq, reason };
    remember(record, before);
  }
}

/** What the records before have: steps, of each whether it goes back to a question; and the messages that are turns. */
interface Before {
  readonly steps: Map<string, boolean>;
  readonly answers: Set<string>;
}

function remember({ step, kind, parents, message_id }: LogRecordV2, { steps, answers }: Before): void {
  if (kind === 'turn' || kind === 'critique') answers.add(message_id);
  steps.set(step, kind === 'question' || parents.some((parent) => steps.get(parent) === true));
}

function flawOf(record: LogRecordV2, before: Before, ids: ReadonlySet<string>): string | undefined {
  const { seq, role, step, kind, parents, participant, decision } = record;
  if (before.steps.has(step)) return `Record ${seq} is step ${step}, which an earlier record is already.`;
  const stranger = parents.find((parent) => !before.steps.has(parent));
  if (stranger !== undefined)
    return `Record ${seq} was made from step ${stranger}, which no record before it is.`;
  if (new Set(parents).size < parents.length) return `Record ${seq} names a parent twice.`;
  if (participant !== undefined && !ids.has(participant))
    return `Record ${seq} is by ${participant}, who is not among the participants.`;
  if (role !== roleOf({ kind, participant }))
    return `Record ${seq} has the role ${role}, which does not fit a ${kind}.`;
  if (decision === undefined) return undefined;
  if (!parents.some((parent) => before.steps.get(parent) === true))
    return `Record ${seq} decides on an answer that goes back to no question.`;
  return before.answers.has(decision.message_id)
    ? undefined
    : `Record ${seq} chooses the message ${decision.message_id}, which no turn before it is.`;
}
