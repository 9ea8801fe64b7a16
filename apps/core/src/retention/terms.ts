/** When conversations are due to be erased, by owner, and what they were in sums. */
import type { Retention, RetentionStatistic } from '@mcp/contracts';
import { daysAgo } from '../store/clock.ts';
import type { Stored } from '../store/conversations.ts';

function daysOf({ conversation_days, owners }: Retention, owner: string): number | undefined {
  const own = owners[owner];
  return own === undefined ? conversation_days : (own.conversation_days ?? undefined);
}

/** Conversations of an owner in which nothing was said since then are due; undefined: theirs are kept for good. */
export function dueBefore(policy: Retention, owner: string, now_ms: number): string | undefined {
  const days = daysOf(policy, owner);
  return days === undefined ? undefined : daysAgo(days, now_ms);
}

/** Conversations of anyone may be due in which nothing was said since then; undefined: none is. */
export function anyDueBefore(policy: Retention, now_ms: number): string | undefined {
  const all = [policy.conversation_days, ...Object.keys(policy.owners).map((owner) => daysOf(policy, owner))];
  const days = all.filter((one) => one !== undefined);
  return days.length === 0 ? undefined : daysAgo(Math.min(...days), now_ms);
}

/** What a conversation was in sums: by day, and by model. */
export function sumsOf({ summary, records }: Pick<Stored, 'summary' | 'records'>): RetentionStatistic[] {
  const sums = new Map<string, RetentionStatistic>();
  const add = (day: string, model: string, more: Partial<RetentionStatistic>) => {
    const key = `${day} ${model}`;
    const before = sums.get(key);
    sums.set(key, {
      day,
      model,
      conversations: (before?.conversations ?? 0) + (more.conversations ?? 0),
      records: (before?.records ?? 0) + (more.records ?? 0),
      input_tokens: (before?.input_tokens ?? 0) + (more.input_tokens ?? 0),
      output_tokens: (before?.output_tokens ?? 0) + (more.output_tokens ?? 0),
    });
  };
  add(summary.created_at.slice(0, 10), '', { conversations: 1 });
  for (const { at, model, usage } of records)
    add(at.slice(0, 10), model ?? '', {
      records: 1,
      input_tokens: usage?.input_tokens ?? 0,
      output_tokens: usage?.output_tokens ?? 0,
    });
  return [...sums.values()];
}
