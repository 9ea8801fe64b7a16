import type { ChainVerdict, ConversationSummary } from '@mcp/contracts';
import { useState } from 'preact/hooks';
import { formatAge, formatDateTime, plural } from '../format.ts';
import { useAction, useLoaded, useNow } from '../hooks.ts';
import { href } from '../router.ts';
import { Empty, Fault, Loading, PageHead, StatusBadge } from '../ui/basics.tsx';
import { RecordView } from './record-view.tsx';
import { VerdictNotice } from './verdict.tsx';

/** Everything on record: the list, and one conversation beside it. */
export function Conversations({ id }: { readonly id: string | null }) {
  return (
    <>
      <PageHead
        title="Conversations"
        lead="Every conversation on record, with its hash chain, its trace and a replay."
      >
        <VerifyFile />
      </PageHead>
      <div class={`shelf${id === null ? '' : ' shelf-open'}`}>
        <Shelf id={id} />
        <section class="shelf-item" aria-label="Chosen conversation">
          {id === null ? (
            <Empty>Choose a conversation to read, replay and verify it.</Empty>
          ) : (
            <RecordView key={id} id={id} />
          )}
        </section>
      </div>
    </>
  );
}

function Shelf({ id }: { readonly id: string | null }) {
  const [search, setSearch] = useState('');
  const [status, setStatus] = useState('');
  const older = useOlder();
  const newest = useLoaded(
    'conversations',
    (platform, signal) => platform.conversations(undefined, signal),
    (page) => (page?.conversations.some((item) => item.status === 'running') ? 3000 : 15_000),
  );
  const all = merge(newest.data?.conversations ?? [], older.list);
  const next = older.list.length === 0 ? (newest.data?.next_cursor ?? null) : older.next;
  const shown = all.filter((item) => matches(item, search) && (status === '' || item.status === status));
  return (
    <nav class="shelf-list" aria-label="Recorded conversations">
      <div class="filters">
        <label class="field">
          <span>Search</span>
          <input
            type="search"
            value={search}
            placeholder="Title, model or id"
            onInput={(event) => setSearch(event.currentTarget.value)}
          />
        </label>
        <label class="field">
          <span>Status</span>
          <select value={status} onChange={(event) => setStatus(event.currentTarget.value)}>
            <option value="">All</option>
            {['running', 'completed', 'cancelled', 'interrupted', 'failed'].map((word) => (
              <option key={word}>{word}</option>
            ))}
          </select>
        </label>
      </div>
      {newest.error === null ? null : (
        <Fault error={newest.error} doing="Loading the list" onRetry={newest.reload} />
      )}
      {newest.data === null && newest.loading ? <Loading what="conversations" /> : null}
      <p class="visually-hidden" role="status">
        {newest.data === null ? '' : plural(shown.length, 'conversation')}
      </p>
      <ul class="items">
        {shown.map((item) => (
          <Item key={item.id} item={item} current={item.id === id} />
        ))}
      </ul>
      {newest.data !== null && shown.length === 0 ? <NothingHere any={all.length > 0} /> : null}
      {older.error === null ? null : <Fault error={older.error} doing="Loading older ones" />}
      {next === null ? null : (
        <button type="button" class="button" disabled={older.busy} onClick={() => older.more(next, all)}>
          {older.busy ? 'Loading …' : 'Show older ones'}
        </button>
      )}
    </nav>
  );
}

/** Pages beyond the newest one; what was shown with them stays while the newest is renewed. */
function useOlder() {
  const [list, setList] = useState<readonly ConversationSummary[]>([]);
  const [next, setNext] = useState<string | null>(null);
  const action = useAction((platform, cursor: string) => platform.conversations(cursor));
  const more = async (cursor: string, shown: readonly ConversationSummary[]) => {
    const page = await action.run(cursor);
    if (page === null) return;
    setList(merge(shown, page.conversations));
    setNext(page.next_cursor);
  };
  return { list, next, more, busy: action.busy, error: action.error };
}

function merge(
  first: readonly ConversationSummary[],
  second: readonly ConversationSummary[],
): readonly ConversationSummary[] {
  const seen = new Set(first.map((item) => item.id));
  return [...first, ...second.filter((item) => !seen.has(item.id))].sort((a, b) =>
    b.updated_at.localeCompare(a.updated_at),
  );
}

function matches(item: ConversationSummary, search: string): boolean {
  const wanted = search.trim().toLowerCase();
  if (wanted === '') return true;
  return [item.title, item.id, item.mode, ...item.models].some((text) => text.toLowerCase().includes(wanted));
}

function Item({ item, current }: { readonly item: ConversationSummary; readonly current: boolean }) {
  const now_ms = useNow();
  return (
    <li>
      <a class="item" href={href('conversations', item.id)} aria-current={current ? 'true' : undefined}>
        <span class="item-title">{item.title === '' ? 'Untitled' : item.title}</span>
        <span class="item-models">{item.models.join(' · ')}</span>
        <span class="item-facts">
          <StatusBadge status={item.status} />
          <span>{item.mode}</span>
          <span>{plural(item.turns, 'turn')}</span>
          <time dateTime={item.updated_at} title={formatDateTime(item.updated_at)}>
            {formatAge(item.updated_at, now_ms)}
          </time>
        </span>
      </a>
    </li>
  );
}

function NothingHere({ any }: { readonly any: boolean }) {
  return (
    <Empty>
      {any ? (
        'Nothing matches. Clear the search or choose another status.'
      ) : (
        <>
          Nothing is on record yet. <a href={href('converse')}>Start a conversation</a>.
        </>
      )}
    </Empty>
  );
}

/** Checks a log file that was exported earlier, or that someone else handed over. */
function VerifyFile() {
  const [verdict, setVerdict] = useState<{ verdict: ChainVerdict; name: string } | null>(null);
  const [fault, setFault] = useState<string | null>(null);
  const action = useAction((platform, log: unknown) => platform.verifyLog(log));
  const check = async (file: File | undefined) => {
    setVerdict(null);
    setFault(null);
    if (file === undefined) return;
    const log = await readJson(file);
    if (log === undefined) return setFault(`${file.name} is not a JSON file of at most 4 MiB.`);
    if (!isSigned(log))
      return setFault(
        `${file.name} carries no signature (head and mac). Choose a file from logs/conversations of the data directory.`,
      );
    const found = await action.run(log);
    if (found !== null) setVerdict({ verdict: found, name: file.name });
  };
  return (
    <div class="verify-file">
      <label class="button">
        {action.busy ? 'Verifying …' : 'Verify a log file'}
        <input
          type="file"
          class="visually-hidden"
          accept="application/json,.json"
          onChange={(event) => {
            void check(event.currentTarget.files?.[0]);
            event.currentTarget.value = '';
          }}
        />
      </label>
      {fault === null ? null : (
        <p class="field-fault" role="alert">
          {fault}
        </p>
      )}
      {action.error === null ? null : <Fault error={action.error} doing="Verifying" />}
      {verdict === null ? null : <VerdictNotice verdict={verdict.verdict} of={verdict.name} />}
    </div>
  );
}

function isSigned(log: unknown): boolean {
  return typeof log === 'object' && log !== null && 'head' in log && 'mac' in log;
}

async function readJson(file: File): Promise<unknown> {
  if (file.size > 4 * 1024 * 1024) return undefined;
  try {
    return JSON.parse(await file.text());
  } catch {
    return undefined;
  }
}
