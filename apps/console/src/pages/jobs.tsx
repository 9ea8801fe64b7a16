import type { ConversationSummary, Job, JobSpec } from '@mcp/contracts';
import { useState } from 'preact/hooks';
import { formatAge, formatDateTime, short } from '../format.ts';
import { useAction, useLoaded, useNow } from '../hooks.ts';
import { href } from '../router.ts';
import { Empty, Fault, Loading, PageHead, StatusBadge } from '../ui/basics.tsx';
import { newId, saveJson, saveText } from '../ui/browser.ts';

const MOVING: ReadonlySet<Job['status']> = new Set<Job['status']>(['queued', 'running', 'retrying']);

/** Long work that the task engine does: make it, watch it, stop it. */
export function Jobs() {
  const jobs = useLoaded(
    'jobs',
    (platform, signal) => platform.jobs(signal),
    (list) => (list?.some((job) => MOVING.has(job.status)) ? 1000 : 5000),
  );
  return (
    <>
      <PageHead
        title="Jobs"
        lead="Work that takes longer: it survives restarts and is tried again when it fails."
      />
      <NewJob onMade={jobs.reload} />
      {jobs.error === null ? null : (
        <Fault error={jobs.error} doing="Loading the jobs" onRetry={jobs.reload} />
      )}
      {jobs.data === null ? (
        jobs.loading ? (
          <Loading what="jobs" />
        ) : null
      ) : jobs.data.length === 0 ? (
        <Empty>No job was made yet.</Empty>
      ) : (
        <ul class="jobs">
          {jobs.data.map((job) => (
            <JobCard key={job.id} job={job} onChange={jobs.reload} />
          ))}
        </ul>
      )}
    </>
  );
}

type Wish = 'summarize-conversation' | 'export' | 'export-all';

function NewJob({ onMade }: { readonly onMade: () => void }) {
  const [wish, setWish] = useState<Wish>('summarize-conversation');
  const [conversation, setConversation] = useState('');
  const list = useLoaded('job-conversations', (platform, signal) =>
    platform.conversations(undefined, signal),
  );
  const action = useAction((platform, spec: JobSpec) =>
    platform.createJob({ spec, idempotency_key: newId() }),
  );
  const chosen = conversation === '' ? (list.data?.conversations[0]?.id ?? '') : conversation;
  const submit = async (event: Event) => {
    event.preventDefault();
    const spec = toSpec(wish, chosen);
    if (spec !== null && (await action.run(spec)) !== null) onMade();
  };
  return (
    <form class="panel row-form" onSubmit={submit} aria-label="New job">
      <label class="field">
        <span>Work</span>
        <select
          value={wish}
          onChange={(event) => {
            const value = event.currentTarget.value;
            setWish(value === 'export' || value === 'export-all' ? value : 'summarize-conversation');
          }}
        >
          <option value="summarize-conversation">Summarise a conversation</option>
          <option value="export">Export a conversation</option>
          <option value="export-all">Export all conversations</option>
        </select>
      </label>
      {wish === 'export-all' ? null : (
        <Pick list={list.data?.conversations ?? []} value={chosen} onPick={setConversation} />
      )}
      <button
        type="submit"
        class="button button-primary"
        disabled={action.busy || toSpec(wish, chosen) === null}
      >
        Create job
      </button>
      {action.error === null ? null : <Fault error={action.error} doing="Creating the job" />}
    </form>
  );
}

interface PickProps {
  readonly list: readonly ConversationSummary[];
  readonly value: string;
  readonly onPick: (id: string) => void;
}

function Pick({ list, value, onPick }: PickProps) {
  return (
    <label class="field field-wide">
      <span>Conversation</span>
      <select value={value} onChange={(event) => onPick(event.currentTarget.value)}>
        {list.length === 0 ? <option value="">None is on record yet</option> : null}
        {list.map((item) => (
          <option key={item.id} value={item.id}>
            {`${item.title.slice(0, 80)} (${short(item.id)})`}
          </option>
        ))}
      </select>
    </label>
  );
}

function toSpec(wish: Wish, conversation_id: string): JobSpec | null {
  switch (wish) {
    case 'export-all':
      return { kind: 'export', format: 'jsonl' };
    case 'export':
      return conversation_id === ''
        ? null
        : { kind: 'export', conversation_ids: [conversation_id], format: 'jsonl' };
    case 'summarize-conversation':
      return conversation_id === '' ? null : { kind: 'summarize-conversation', conversation_id };
    default:
      return wish satisfies never;
  }
}

function JobCard({ job, onChange }: { readonly job: Job; readonly onChange: () => void }) {
  const now_ms = useNow();
  const cancel = useAction((platform) => platform.cancelJob(job.id));
  const retry = useAction((platform) => platform.retryJob(job.id));
  return (
    <li class="panel job">
      <div class="meta job-head">
        <h2>{job.kind.replace(/-/g, ' ')}</h2>
        <StatusBadge status={job.status} />
        {job.attempt > 1 ? (
          <span>
            attempt {job.attempt} of {job.max_attempts}
          </span>
        ) : null}
        <time dateTime={job.updated_at} title={formatDateTime(job.updated_at)}>
          {formatAge(job.updated_at, now_ms)}
        </time>
        <span class="job-links">
          <code title={job.id}>{short(job.id)}</code>
          <a href={href('traces', job.trace_id)}>Trace</a>
          {MOVING.has(job.status) ? (
            <button
              type="button"
              class="button button-small"
              disabled={cancel.busy}
              aria-label={`Cancel ${job.kind} ${short(job.id)}`}
              onClick={async () => {
                await cancel.run(undefined);
                onChange();
              }}
            >
              Cancel
            </button>
          ) : null}
          {job.status === 'dead' ? (
            <button
              type="button"
              class="button button-small"
              disabled={retry.busy}
              aria-label={`Send ${job.kind} ${short(job.id)} again`}
              onClick={async () => {
                await retry.run(undefined);
                onChange();
              }}
            >
              Send again
            </button>
          ) : null}
        </span>
      </div>
      <Progress job={job} />
      {job.error === undefined ? null : (
        <p class="job-error">
          <code>{job.error.code}</code> {job.error.message}
        </p>
      )}
      {cancel.error === null ? null : <Fault error={cancel.error} doing="Cancelling" />}
      {retry.error === null ? null : <Fault error={retry.error} doing="Sending the job again" />}
      {job.status === 'completed' ? <Result id={job.id} kind={job.kind} /> : null}
    </li>
  );
}

function Progress({ job }: { readonly job: Job }) {
  const { done, total, note } = job.progress;
  if (!MOVING.has(job.status)) return note === '' ? null : <p class="job-note">{note}</p>;
  return (
    <p class="job-progress">
      <progress
        aria-label={`Progress of ${job.kind}`}
        max={Math.max(1, total)}
        {...(total === 0 ? {} : { value: Math.min(done, total) })}
      />
      <span>{total === 0 ? note : `${done} of ${total}${note === '' ? '' : ` – ${note}`}`}</span>
    </p>
  );
}

/** What a job gave. Lists leave it out, so it is asked for when someone opens it. */
function Result({ id, kind }: { readonly id: string; readonly kind: string }) {
  const [open, setOpen] = useState(false);
  return (
    <details class="reasoning" onToggle={(event) => setOpen(event.currentTarget.open)}>
      <summary>Result</summary>
      {open ? <ResultBody id={id} kind={kind} /> : null}
    </details>
  );
}

function ResultBody({ id, kind }: { readonly id: string; readonly kind: string }) {
  const job = useLoaded(`job:${id}`, (platform, signal) => platform.job(id, signal));
  const fetched = useAction((platform) => platform.jobResult(id));
  if (job.error !== null) return <Fault error={job.error} doing="Loading the result" onRetry={job.reload} />;
  if (job.data === null) return <Loading what="the result" />;
  const { result } = job.data;
  const summary = textIn(result, 'summary');
  const content = textIn(result, 'content');
  const name = `${kind}-${short(id)}`;
  return (
    <div>
      {summary === null ? null : <p class="job-summary pre">{summary}</p>}
      <button
        type="button"
        class="button button-small"
        disabled={fetched.busy}
        onClick={async () => {
          if (textIn(result, 'href') === null) saveJson(`${name}.json`, result);
          else {
            const text = content ?? (await fetched.run(undefined));
            if (text !== null) saveText(`${name}.${kind === 'export' ? 'jsonl' : 'json'}`, text);
          }
        }}
      >
        Download
      </button>
      {fetched.error === null ? null : <Fault error={fetched.error} doing="Downloading the result" />}
      {summary !== null ? null : <p class="pre code">{JSON.stringify(result, null, 2)?.slice(0, 4000)}</p>}
    </div>
  );
}

/** A text field of a result, which has a shape of its own for each kind of job. */
function textIn(result: unknown, field: string): string | null {
  if (typeof result !== 'object' || result === null) return null;
  const value = (result as Record<string, unknown>)[field];
  return typeof value === 'string' ? value : null;
}
