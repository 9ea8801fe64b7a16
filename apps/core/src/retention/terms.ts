/** When what is kept is due to be erased, by class and owner, and what conversations were in sums. */
import type { Retention, RetentionClass, RetentionStatistic } from '@mcp/contracts';
import { daysAgo } from '../store/clock.ts';
import type { Stored } from '../store/conversations.ts';
import type { DueByOwner } from '../store/due.ts';

function daysOf(policy: Retention, of: RetentionClass, owner: string): number | undefined {
  const own = policy.owners[owner]?.[of];
  return own === undefined ? policy[of] : (own ?? undefined);
}

/** What an owner has of a class is due that is older than this; undefined: theirs is kept for good. */
export function dueBefore(
  policy: Retention,
  of: RetentionClass,
  { owner, now_ms }: { readonly owner: string; readonly now_ms: number },
): string | undefined {
  const days = daysOf(policy, of, owner);
  return days === undefined ? undefined : daysAgo(days, now_ms);
}

/** What is due of a class, of everybody and of those who have days of their own; undefined: nothing of anybody. */
export function dueByOwner(policy: Retention, of: RetentionClass, now_ms: number): DueByOwner | undefined {
  const everybody = policy[of];
  const owners = Object.keys(policy.owners)
    .filter((owner) => policy.owners[owner]?.[of] !== undefined)
    .map((owner) => ({ owner, before: dueBefore(policy, of, { owner, now_ms }) }));
  const before = everybody === undefined ? undefined : daysAgo(everybody, now_ms);
  const all = [before, ...owners.map((one) => one.before)].filter((one) => one !== undefined);
  const latest = all.sort().at(-1);
  return latest === undefined ? undefined : { latest, before, owners };
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
