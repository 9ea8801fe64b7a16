import type { ConversationStatus, Job, ModelInfo } from '@mcp/contracts';
import type { ComponentChildren } from 'preact';
import { useEffect, useRef, useState } from 'preact/hooks';
import type { ApiError } from '../api/http.ts';
import { href } from '../router.ts';

export type Tone = 'neutral' | 'good' | 'warn' | 'bad' | 'busy';

export function Badge({
  tone = 'neutral',
  children,
}: {
  readonly tone?: Tone;
  readonly children: ComponentChildren;
}) {
  return <span class={`badge badge-${tone}`}>{children}</span>;
}

const STATUS_TONES: Record<ConversationStatus | Job['status'] | ModelInfo['status'], Tone> = {
  running: 'busy',
  completed: 'good',
  cancelled: 'neutral',
  interrupted: 'warn',
  failed: 'bad',
  queued: 'neutral',
  retrying: 'warn',
  dead: 'bad',
  ready: 'good',
  loading: 'busy',
  downloading: 'busy',
  unavailable: 'bad',
};

/** The status of a conversation, job or model, in its word and colour. */
export function StatusBadge({ status }: { readonly status: keyof typeof STATUS_TONES }) {
  return <Badge tone={STATUS_TONES[status]}>{status}</Badge>;
}

interface NoticeProps {
  readonly tone?: Tone;
  readonly title?: string;
  readonly children: ComponentChildren;
  /** Announced at once when it appears. */
  readonly alert?: boolean;
}

export function Notice({ tone = 'neutral', title, children, alert = false }: NoticeProps) {
  return (
    <div class={`notice notice-${tone}`} role={alert ? 'alert' : undefined}>
      {title === undefined ? null : <p class="notice-title">{title}</p>}
      <div class="notice-body">{children}</div>
    </div>
  );
}

interface FaultProps {
  readonly error: ApiError;
  readonly doing: string;
  readonly onRetry?: (() => void) | undefined;
}

/** A failed call: what was tried, what the gateway said, the code, and a way on. */
export function Fault({ error, doing, onRetry }: FaultProps) {
  return (
    <Notice tone="bad" title={`${doing} did not work`} alert>
      <p>{error.message}</p>
      <p class="meta">
        <code>{error.code}</code>
        {error.trace_id === null ? null : <a href={href('traces', error.trace_id)}>Trace</a>}
        {onRetry === undefined ? null : (
          <button type="button" class="button button-small" onClick={onRetry}>
            Try again
          </button>
        )}
      </p>
    </Notice>
  );
}

/** What a 403 means on pages for administrators. */
export function NeedsAdmin({ what }: { readonly what: string }) {
  return (
    <Notice tone="warn" title="This key is not an administrator's">
      <p>
        {what} needs a key with the scope <code>admin</code>. Sign out and sign in with such a key, or ask
        whoever runs the platform for one.
      </p>
    </Notice>
  );
}

export function Empty({ children }: { readonly children: ComponentChildren }) {
  return <div class="empty">{children}</div>;
}

export function Loading({ what }: { readonly what: string }) {
  return (
    <p class="loading" role="status">
      <span class="spinner" aria-hidden="true" />
      Loading {what} …
    </p>
  );
}

/** Copies a text; where the browser refuses the clipboard the caller's field can still be selected by hand. */
export function CopyButton({ text, label = 'Copy' }: { readonly text: string; readonly label?: string }) {
  const [said, setSaid] = useState('');
  const copy = async () => {
    try {
      await navigator.clipboard.writeText(text);
      setSaid('Copied');
    } catch {
      setSaid('Select it and press Ctrl+C');
    }
  };
  useEffect(() => {
    if (said === '') return;
    const timer = setTimeout(() => setSaid(''), 2500);
    return () => clearTimeout(timer);
  }, [said]);
  return (
    <button type="button" class="button button-small" onClick={copy}>
      <span aria-live="polite">{said === '' ? label : said}</span>
    </button>
  );
}

interface DialogProps {
  readonly title: string;
  readonly onClose: () => void;
  readonly children: ComponentChildren;
}

/** A modal dialog of the browser's own: focus stays inside, Esc closes, focus goes back afterwards. */
export function Dialog({ title, onClose, children }: DialogProps) {
  const dialog = useRef<HTMLDialogElement>(null);
  useEffect(() => {
    const opener = document.activeElement;
    dialog.current?.showModal();
    return () => {
      if (opener instanceof HTMLElement) opener.focus();
    };
  }, []);
  return (
    <dialog ref={dialog} class="dialog" aria-labelledby="dialog-title" onClose={onClose}>
      <h2 id="dialog-title">{title}</h2>
      {children}
    </dialog>
  );
}

interface PageHeadProps {
  readonly title: string;
  readonly lead?: string;
  readonly children?: ComponentChildren;
}

/** The head of a page. Its heading takes the focus when the page is reached, so that a screen reader starts there. */
export function PageHead({ title, lead, children }: PageHeadProps) {
  return (
    <div class="page-head">
      <div>
        <h1 id="page-title" tabIndex={-1}>
          {title}
        </h1>
        {lead === undefined ? null : <p class="lead">{lead}</p>}
      </div>
      {children === undefined ? null : <div class="page-actions">{children}</div>}
    </div>
  );
}
