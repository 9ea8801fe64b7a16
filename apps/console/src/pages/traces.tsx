import type { SpanRecord } from '@mcp/contracts';
import { Fragment } from 'preact';
import { useState } from 'preact/hooks';
import { formatAge, formatDuration, plural, short } from '../format.ts';
import { useLoaded, useNow } from '../hooks.ts';
import { href, navigate } from '../router.ts';
import { type TraceRow, traceTree, visibleRows } from '../trace/tree.ts';
import { Badge, CopyButton, Empty, Fault, Loading, PageHead } from '../ui/basics.tsx';

/** Traces: one by its id, or those of the latest conversations to choose from. */
export function Traces({ id }: { readonly id: string | null }) {
  return (
    <>
      <PageHead title="Traces" lead="One request from the gateway to the model, span by span.">
        <Lookup key={id} id={id} />
      </PageHead>
      {id === null ? <Recent /> : <TraceView key={id} id={id} />}
    </>
  );
}

function Lookup({ id }: { readonly id: string | null }) {
  const [typed, setTyped] = useState(id ?? '');
  return (
    <form
      class="lookup"
      onSubmit={(event) => {
        event.preventDefault();
        if (typed.trim() !== '') navigate(href('traces', typed.trim()));
      }}
    >
      <label class="field">
        <span class="visually-hidden">Trace id</span>
        <input
          type="text"
          value={typed}
          placeholder="Trace id"
          spellcheck={false}
          onInput={(event) => setTyped(event.currentTarget.value)}
        />
      </label>
      <button type="submit" class="button">
        Show
      </button>
    </form>
  );
}

function Recent() {
  const now_ms = useNow();
  const list = useLoaded('recent-traces', (platform, signal) => platform.conversations(undefined, signal));
  if (list.error !== null)
    return <Fault error={list.error} doing="Loading recent traces" onRetry={list.reload} />;
  if (list.data === null) return <Loading what="recent traces" />;
  if (list.data.conversations.length === 0) return <Empty>No conversation has left a trace yet.</Empty>;
  return (
    <ul class="items panel">
      {list.data.conversations.map((item) => (
        <li key={item.id}>
          <a class="item" href={href('traces', item.trace_id)}>
            <span class="item-title">{item.title}</span>
            <span class="item-facts">
              <code>{item.trace_id}</code>
              <span>{formatAge(item.updated_at, now_ms)}</span>
            </span>
          </a>
        </li>
      ))}
    </ul>
  );
}

function TraceView({ id }: { readonly id: string }) {
  const trace = useLoaded(`trace:${id}`, (platform, signal) => platform.trace(id, signal));
  const [folded, setFolded] = useState<ReadonlySet<string>>(new Set());
  const [chosen, setChosen] = useState<string | null>(null);
  if (trace.error !== null)
    return <Fault error={trace.error} doing="Loading the trace" onRetry={trace.reload} />;
  if (trace.data === null) return <Loading what="the trace" />;
  const tree = traceTree(trace.data);
  if (tree.rows.length === 0)
    return <Empty>This trace has no spans yet. They are written as they end; reload in a moment.</Empty>;
  const span = trace.data.find((candidate) => candidate.span_id === chosen) ?? tree.rows[0]?.span;
  const fold = (span_id: string) => {
    const next = new Set(folded);
    if (!next.delete(span_id)) next.add(span_id);
    setFolded(next);
  };
  return (
    <>
      <p class="meta">
        <code class="break">{id}</code>
        <CopyButton text={id} label="Copy id" />
        <span>{plural(tree.rows.length, 'span')}</span>
        <span>{formatDuration(tree.duration_ms)}</span>
        <span>{tree.services.join(' → ')}</span>
        <button type="button" class="button button-small" onClick={trace.reload}>
          Reload
        </button>
      </p>
      <div class="trace">
        <Waterfall
          rows={visibleRows(tree.rows, folded)}
          folded={folded}
          services={tree.services}
          chosen={span?.span_id ?? null}
          onFold={fold}
          onChoose={setChosen}
        />
        {span === undefined ? null : <SpanDetails span={span} start_unix_ms={tree.start_unix_ms} />}
      </div>
    </>
  );
}

interface WaterfallProps {
  readonly rows: readonly TraceRow[];
  readonly folded: ReadonlySet<string>;
  readonly services: readonly string[];
  readonly chosen: string | null;
  readonly onFold: (span_id: string) => void;
  readonly onChoose: (span_id: string) => void;
}

function Waterfall({ rows, folded, services, chosen, onFold, onChoose }: WaterfallProps) {
  const onKeyDown = (event: KeyboardEvent) => {
    const at = rows.findIndex((row) => row.span.span_id === chosen);
    const row = rows[at];
    const to = { ArrowDown: at + 1, ArrowUp: at - 1, Home: 0, End: rows.length - 1 }[event.key];
    if (to !== undefined) {
      const next = rows[Math.max(0, Math.min(rows.length - 1, to))];
      if (next !== undefined) focusRow(next.span.span_id, onChoose);
    } else if (
      row !== undefined &&
      row.children > 0 &&
      event.key === 'ArrowLeft' &&
      !folded.has(row.span.span_id)
    )
      onFold(row.span.span_id);
    else if (row !== undefined && event.key === 'ArrowRight' && folded.has(row.span.span_id))
      onFold(row.span.span_id);
    else return;
    event.preventDefault();
  };
  return (
    <div class="waterfall panel" role="tree" aria-label="Spans" tabIndex={-1} onKeyDown={onKeyDown}>
      {rows.map((row) => (
        <Row
          key={row.span.span_id}
          row={row}
          hue={services.indexOf(row.span.service)}
          folded={folded.has(row.span.span_id)}
          chosen={row.span.span_id === chosen}
          onFold={onFold}
          onChoose={onChoose}
        />
      ))}
    </div>
  );
}

function focusRow(span_id: string, onChoose: (span_id: string) => void): void {
  onChoose(span_id);
  document.getElementById(`span-${span_id}`)?.focus();
}

interface RowProps {
  readonly row: TraceRow;
  readonly hue: number;
  readonly folded: boolean;
  readonly chosen: boolean;
  readonly onFold: (span_id: string) => void;
  readonly onChoose: (span_id: string) => void;
}

function Row({ row, hue, folded, chosen, onFold, onChoose }: RowProps) {
  const { span, depth, children } = row;
  const failed = span.status === 'error';
  return (
    <div
      id={`span-${span.span_id}`}
      class={`span-row${failed ? ' span-failed' : ''}`}
      role="treeitem"
      tabIndex={chosen ? 0 : -1}
      aria-level={depth + 1}
      aria-selected={chosen}
      aria-expanded={children === 0 ? undefined : !folded}
      onClick={() => onChoose(span.span_id)}
      onDblClick={() => onFold(span.span_id)}
      onKeyDown={(event) => {
        if (event.key === 'Enter' || event.key === ' ') onChoose(span.span_id);
      }}
    >
      <span class="span-name" style={{ paddingInlineStart: `${Math.min(depth, 12) * 14}px` }}>
        <span class="span-fold" aria-hidden="true">
          {children === 0 ? '' : folded ? '▸' : '▾'}
        </span>
        <span class={`dot hue-${hue % 6}`} aria-hidden="true" />
        <span class="span-title">{span.name}</span>
        <span class="span-service">{span.service}</span>
      </span>
      <svg class="span-bar" viewBox="0 0 1000 12" preserveAspectRatio="none" aria-hidden="true">
        <rect
          class={failed ? 'hue-failed' : `hue-${hue % 6}`}
          x={row.from * 1000}
          width={Math.max(3, row.width * 1000)}
          y="2"
          height="8"
        />
      </svg>
      <span class="span-time">{formatDuration(span.duration_ms)}</span>
    </div>
  );
}

function SpanDetails({ span, start_unix_ms }: { readonly span: SpanRecord; readonly start_unix_ms: number }) {
  const attributes = Object.entries(span.attributes);
  return (
    <section class="span-details panel" aria-label="Chosen span" aria-live="polite">
      <h2>{span.name}</h2>
      <p class="meta">
        <span>{span.service}</span>
        <span>{span.kind}</span>
        {span.status === 'unset' ? null : (
          <Badge tone={span.status === 'error' ? 'bad' : 'good'}>{span.status}</Badge>
        )}
      </p>
      {span.status_message === undefined ? null : <p>{span.status_message}</p>}
      <table class="facts">
        <caption class="visually-hidden">Attributes</caption>
        <tbody>
          <Attribute name="starts after" value={formatDuration(span.start_unix_ms - start_unix_ms)} />
          <Attribute name="duration" value={formatDuration(span.duration_ms)} />
          <Attribute name="span id" value={span.span_id} />
          <Attribute
            name="parent"
            value={span.parent_span_id === null ? 'none' : short(span.parent_span_id, 16)}
          />
          {attributes.map(([name, value]) => (
            <Attribute
              key={name}
              name={name}
              value={typeof value === 'number' ? String(Number(value.toPrecision(6))) : String(value)}
            />
          ))}
        </tbody>
      </table>
      {span.events.length === 0 ? null : (
        <>
          <h3>Events</h3>
          <ul class="span-events">
            {span.events.map((event, index) => (
              <li key={index}>
                <strong>{event.name}</strong> after {formatDuration(event.at_unix_ms - span.start_unix_ms)}
                {Object.keys(event.attributes).length === 0 ? null : (
                  <code class="break"> {JSON.stringify(event.attributes)}</code>
                )}
              </li>
            ))}
          </ul>
        </>
      )}
    </section>
  );
}

function Attribute({ name, value }: { readonly name: string; readonly value: string }) {
  return (
    <tr>
      <th scope="row">
        {name.split(/(?<=[._])/).map((part, index) => (
          <Fragment key={index}>
            {part}
            <wbr />
          </Fragment>
        ))}
      </th>
      <td class="break">{value}</td>
    </tr>
  );
}
