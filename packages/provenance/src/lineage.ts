/** Where the steps of a log come from, from version 2 on: each may only be made from steps before it. */
import type { ConversationLogV2, Step } from '@mcp/contracts';

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

export interface LineageFlaw {
  readonly seq: number;
  readonly reason: string;
}

type Lineage = Pick<ConversationLogV2, 'participants' | 'models' | 'messages'>;

/** The first step that could not have come about as the log says; undefined when there is none. */
export function checkLineage({ participants, models, messages }: Lineage): LineageFlaw | undefined {
  const ids = new Set(participants.map(({ id }) => id));
  if (ids.size < participants.length)
    return { seq: 0, reason: 'The header names two participants by the same id.' };
  if (models.length !== participants.length || participants.some(({ model }, at) => model !== models[at]))
    return { seq: 0, reason: 'The models of the header are not those of its participants.' };
  const before = new Set<string>();
  for (const { seq, role, step, kind, parents, participant } of messages) {
    const at = (reason: string): LineageFlaw => ({ seq, reason });
    if (before.has(step)) return at(`Record ${seq} is step ${step}, which an earlier record is already.`);
    const stranger = parents.find((parent) => !before.has(parent));
    if (stranger !== undefined)
      return at(`Record ${seq} was made from step ${stranger}, which no record before it is.`);
    if (new Set(parents).size < parents.length) return at(`Record ${seq} names a parent twice.`);
    if (participant !== undefined && !ids.has(participant))
      return at(`Record ${seq} is by ${participant}, who is not among the participants.`);
    if (role !== roleOf({ kind, participant }))
      return at(`Record ${seq} has the role ${role}, which does not fit a ${kind}.`);
    before.add(step);
  }
  return undefined;
}
