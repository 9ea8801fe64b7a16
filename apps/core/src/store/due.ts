/** Which rows of a table are due to be erased: too old for their owner, and under no legal hold. */
import { type RawBuilder, sql } from 'kysely';

/** From when on rows are kept, by owner; undefined: for good. */
export interface DueByOwner {
  /** Nothing is due that is younger. */
  readonly latest: string;
  /** Of everybody else. */
  readonly before: string | undefined;
  readonly owners: readonly { readonly owner: string; readonly before: string | undefined }[];
}

/** `time` and the owner are columns of the table; so is the conversation. */
export function isDue(
  table: string,
  time: string,
  { latest, before, owners }: DueByOwner,
): RawBuilder<boolean> {
  const column = (name: string) => sql.ref(`${table}.${name}`);
  // No time is less than the empty text.
  const everybody = sql`${before ?? ''}`;
  const cases = owners.map((one) => sql`when ${one.owner} then ${one.before ?? ''}`);
  const own =
    cases.length === 0
      ? everybody
      : sql`case ${column('owner')} ${sql.join(cases, sql` `)} else ${everybody} end`;
  return sql<boolean>`${column(time)} < ${latest} and ${column(time)} < ${own} and not exists (
    select 1 from legal_holds where lifted_at is null
      and (legal_holds.owner = ${column('owner')} or legal_holds.conversation_id = ${column('conversation_id')}))`;
}
