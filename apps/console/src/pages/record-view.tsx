import type { ChainVerdict, Conversation, JobSpec } from '@mcp/contracts';
import { useEffect, useRef, useState } from 'preact/hooks';
import { chatFromLog } from '../chat/from-log.ts';
import { canResume, isGraph } from '../chat/state.ts';
import { formatDateTime, listed, plural } from '../format.ts';
import { useAction, useLater, useLoaded } from '../hooks.ts';
import { href } from '../router.ts';
import { Fault, Loading, Notice, StatusBadge } from '../ui/basics.tsx';
import { newId, saveJson } from '../ui/browser.ts';
import { ReplayView } from './replay-view.tsx';
import { VerdictNotice } from './verdict.tsx';

/** One conversation on record: what it was, what can be done with it, and its replay. */
export function RecordView({ id }: { readonly id: string }) {
  const recorded = useLoaded(
    `record:${id}`,
    (platform, signal) => platform.conversation(id, signal),
    (conversation) => (conversation?.status === 'running' ? 3000 : null),
  );
  const heading = useRef<HTMLHeadingElement>(null);
  const { data } = recorded;
  const arrived = data !== null;
  useEffect(() => {
    if (arrived) heading.current?.focus({ preventScroll: true });
  }, [arrived]);
  return (
    <div class="record">
      <a class="back" href={href('conversations')}>
        ← All conversations
      </a>
      {recorded.error === null ? null : (
        <Fault error={recorded.error} doing="Opening the conversation" onRetry={recorded.reload} />
      )}
      {data === null ? (
        recorded.loading ? (
          <Loading what="the conversation" />
        ) : null
      ) : (
        <>
          <header class="record-head">
            <h2 ref={heading} tabIndex={-1}>
              {data.title === '' ? 'Untitled' : data.title}
            </h2>
            <Facts conversation={data} />
          </header>
          <Actions conversation={data} />
          {isGraph(data.mode) ? <Graph conversation={data} /> : null}
          <LineagePart conversation={data} />
          <ReplayView key={data.messages.length} records={data.messages} participants={data.participants} />
        </>
      )}
    </div>
  );
}

/** The picture of a graph comes only to those who open a conversation of one. */
function Graph({ conversation }: { readonly conversation: Conversation }) {
  const View = useLater(() => import('../graph/graph-view.tsx'));
  return View === null ? <Loading what="the graph" /> : <View conversation={conversation} />;
}

/** Drawn for those who ask for it. */
function LineagePart({ conversation }: { readonly conversation: Conversation }) {
  const [open, setOpen] = useState(false);
  return (
    <>
      <button type="button" class="button" aria-expanded={open} onClick={() => setOpen(!open)}>
        {open ? 'Hide the lineage' : 'Show the lineage'}
      </button>
      {open ? <LineageLater conversation={conversation} /> : null}
    </>
  );
}

function LineageLater({ conversation }: { readonly conversation: Conversation }) {
  const View = useLater(() => import('../graph/lineage-view.tsx'));
  return View === null ? <Loading what="the lineage" /> : <View conversation={conversation} />;
}

function Facts({ conversation }: { readonly conversation: Conversation }) {
  const { status, mode, models, turns, exchanges, created_at, id } = conversation;
  return (
    <p class="meta">
      <StatusBadge status={status} />
      <span>{mode}</span>
      <span>{listed(models)}</span>
      <span>{isGraph(mode) ? plural(turns, 'turn') : `${turns} of ${plural(exchanges, 'turn')}`}</span>
      <time dateTime={created_at}>{formatDateTime(created_at)}</time>
      <code class="break">{id}</code>
    </p>
  );
}

function Actions({ conversation }: { readonly conversation: Conversation }) {
  const { id, trace_id } = conversation;
  const [verdict, setVerdict] = useState<ChainVerdict | null>(null);
  const verify = useAction((platform) => platform.verify(id));
  return (
    <>
      <div class="actions">
        <button
          type="button"
          class="button button-primary"
          disabled={verify.busy}
          onClick={async () => setVerdict(await verify.run(undefined))}
        >
          {verify.busy ? 'Verifying …' : 'Verify the chain'}
        </button>
        <a class="button" href={href('converse', id)}>
          {canResume(chatFromLog(conversation)) ? 'Open and resume' : 'Open and ask on'}
        </a>
        <a class="button" href={href('traces', trace_id)}>
          Trace
        </a>
        <button type="button" class="button" onClick={() => saveJson(`${id}.json`, conversation)}>
          Download record
        </button>
        <JobButton label="Summarise" spec={{ kind: 'summarize-conversation', conversation_id: id }} />
        <JobButton label="Export" spec={{ kind: 'export', conversation_ids: [id], format: 'jsonl' }} />
      </div>
      {verify.error === null ? null : <Fault error={verify.error} doing="Verifying" />}
      {verdict === null ? null : <VerdictNotice verdict={verdict} of="This conversation" />}
    </>
  );
}

/** Hands work about this conversation to the task engine. */
function JobButton({ label, spec }: { readonly label: string; readonly spec: JobSpec }) {
  const [made, setMade] = useState(false);
  const action = useAction((platform) => platform.createJob({ spec, idempotency_key: newId() }));
  return (
    <>
      <button
        type="button"
        class="button"
        disabled={action.busy}
        onClick={async () => setMade((await action.run(undefined)) !== null)}
      >
        {label}
      </button>
      {made ? (
        <div class="actions-note" role="status">
          <Notice tone="good">
            <p>
              The job is queued. Follow it under <a href={href('jobs')}>Jobs</a>.
            </p>
          </Notice>
        </div>
      ) : null}
      {action.error === null ? null : (
        <div class="actions-note">
          <Fault error={action.error} doing={`${label} `} />
        </div>
      )}
    </>
  );
}
