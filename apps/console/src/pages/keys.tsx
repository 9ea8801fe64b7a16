import type { ApiKeyView, Scope } from '@mcp/contracts';
import { useState } from 'preact/hooks';
import { formatDateTime } from '../format.ts';
import { useAction, useLoaded } from '../hooks.ts';
import { Badge, CopyButton, Dialog, Empty, Fault, Loading, NeedsAdmin, PageHead } from '../ui/basics.tsx';

const SCOPES: readonly { readonly scope: Scope; readonly hint: string }[] = [
  { scope: 'chat', hint: 'hold conversations, use the OpenAI wire' },
  { scope: 'jobs', hint: 'make and cancel jobs' },
  { scope: 'admin', hint: 'everything, keys and live figures included' },
];

/** API keys: who may use the platform. */
export function Keys() {
  const keys = useLoaded('keys', (platform, signal) => platform.keys(signal));
  const [creating, setCreating] = useState(false);
  const [revoking, setRevoking] = useState<ApiKeyView | null>(null);
  const forbidden = keys.error?.status === 403;
  return (
    <>
      <PageHead title="Keys" lead="A key is shown once, when it is made. The platform keeps only its hash.">
        {keys.data === null ? null : (
          <button type="button" class="button button-primary" onClick={() => setCreating(true)}>
            New key
          </button>
        )}
      </PageHead>
      {forbidden ? <NeedsAdmin what="Managing keys" /> : null}
      {keys.error === null || forbidden ? null : (
        <Fault error={keys.error} doing="Loading the keys" onRetry={keys.reload} />
      )}
      {keys.data === null ? (
        keys.loading ? (
          <Loading what="keys" />
        ) : null
      ) : keys.data.length === 0 ? (
        <Empty>
          No key was made here yet. You are signed in with the one from the platform's environment.
        </Empty>
      ) : (
        <section class="panel table-panel" aria-label="Keys">
          <KeyTable keys={keys.data} onRevoke={setRevoking} />
        </section>
      )}
      {creating ? <CreateDialog onMade={keys.reload} onClose={() => setCreating(false)} /> : null}
      {revoking === null ? null : (
        <RevokeDialog record={revoking} onDone={keys.reload} onClose={() => setRevoking(null)} />
      )}
    </>
  );
}

interface KeyTableProps {
  readonly keys: readonly ApiKeyView[];
  readonly onRevoke: (record: ApiKeyView) => void;
}

function KeyTable({ keys, onRevoke }: KeyTableProps) {
  return (
    <table class="table">
      <thead>
        <tr>
          <th scope="col">Name</th>
          <th scope="col">Begins with</th>
          <th scope="col">Scopes</th>
          <th scope="col">Made</th>
          <th scope="col">Status</th>
          <th scope="col">
            <span class="visually-hidden">Revoke</span>
          </th>
        </tr>
      </thead>
      <tbody>
        {keys.map((record) => (
          <KeyRow key={record.id} record={record} onRevoke={onRevoke} />
        ))}
      </tbody>
    </table>
  );
}

function KeyRow({
  record,
  onRevoke,
}: {
  readonly record: ApiKeyView;
  readonly onRevoke: KeyTableProps['onRevoke'];
}) {
  const expired = record.expires_at !== null && Date.parse(record.expires_at) < Date.now();
  return (
    <tr>
      <th scope="row" data-label="Name">
        {record.name}
      </th>
      <td data-label="Begins with">
        <code>{record.prefix}…</code>
      </td>
      <td data-label="Scopes">{record.scopes.join(', ')}</td>
      <td data-label="Made">{formatDateTime(record.created_at)}</td>
      <td data-label="Status">
        {record.revoked_at !== null ? (
          <Badge tone="bad">revoked</Badge>
        ) : expired ? (
          <Badge tone="warn">expired</Badge>
        ) : (
          <Badge tone="good">valid</Badge>
        )}
        {record.expires_at === null || record.revoked_at !== null ? null : (
          <small> until {formatDateTime(record.expires_at)}</small>
        )}
      </td>
      <td class="number">
        {record.revoked_at === null ? (
          <button
            type="button"
            class="button button-small"
            aria-label={`Revoke ${record.name}`}
            onClick={() => onRevoke(record)}
          >
            Revoke
          </button>
        ) : null}
      </td>
    </tr>
  );
}

interface CreateDialogProps {
  readonly onMade: () => void;
  readonly onClose: () => void;
}

function CreateDialog({ onMade, onClose }: CreateDialogProps) {
  const [made, setMade] = useState<string | null>(null);
  return (
    <Dialog title={made === null ? 'New key' : 'Your new key'} onClose={onClose}>
      {made === null ? (
        <CreateForm
          onClose={onClose}
          onMade={(key) => {
            setMade(key);
            onMade();
          }}
        />
      ) : (
        <NewKey value={made} onClose={onClose} />
      )}
    </Dialog>
  );
}

function CreateForm({
  onMade,
  onClose,
}: {
  readonly onMade: (key: string) => void;
  readonly onClose: () => void;
}) {
  const [name, setName] = useState('');
  const [scopes, setScopes] = useState<ReadonlySet<Scope>>(new Set<Scope>(['chat', 'jobs']));
  const [days, setDays] = useState('');
  const action = useAction((platform, request: Parameters<typeof platform.createKey>[0]) =>
    platform.createKey(request),
  );
  const toggle = (scope: Scope) => {
    const next = new Set(scopes);
    if (!next.delete(scope)) next.add(scope);
    setScopes(next);
  };
  const submit = async (event: Event) => {
    event.preventDefault();
    const expires_at = days === '' ? null : new Date(Date.now() + Number(days) * 86_400_000).toISOString();
    const made = await action.run({ name: name.trim(), scopes: [...scopes], expires_at });
    if (made !== null) onMade(made.key);
  };
  return (
    <form onSubmit={submit}>
      <label class="field">
        <span>Name</span>
        <input
          value={name}
          maxLength={128}
          required
          onInput={(event) => setName(event.currentTarget.value)}
        />
        <small>Who or what will use it</small>
      </label>
      <ScopeFields chosen={scopes} onToggle={toggle} />
      <label class="field">
        <span>Expires</span>
        <select value={days} onChange={(event) => setDays(event.currentTarget.value)}>
          <option value="">Never</option>
          <option value="1">In a day</option>
          <option value="30">In 30 days</option>
          <option value="365">In a year</option>
        </select>
      </label>
      {action.error === null ? null : <Fault error={action.error} doing="Making the key" />}
      <div class="dialog-buttons">
        <button type="button" class="button" onClick={onClose}>
          Cancel
        </button>
        <button
          type="submit"
          class="button button-primary"
          disabled={action.busy || name.trim() === '' || scopes.size === 0}
        >
          Create key
        </button>
      </div>
    </form>
  );
}

interface ScopeFieldsProps {
  readonly chosen: ReadonlySet<Scope>;
  readonly onToggle: (scope: Scope) => void;
}

function ScopeFields({ chosen, onToggle }: ScopeFieldsProps) {
  return (
    <fieldset class="checks">
      <legend>Scopes</legend>
      {SCOPES.map(({ scope, hint }) => (
        <label key={scope}>
          <input type="checkbox" checked={chosen.has(scope)} onChange={() => onToggle(scope)} />
          <span>
            <strong>{scope}</strong> – {hint}
          </span>
        </label>
      ))}
    </fieldset>
  );
}

function NewKey({ value, onClose }: { readonly value: string; readonly onClose: () => void }) {
  return (
    <div>
      <p>Copy it now. It is not shown again, and nobody can look it up.</p>
      <label class="field">
        <span>Key</span>
        <input class="mono" readOnly value={value} onFocus={(event) => event.currentTarget.select()} />
      </label>
      <div class="dialog-buttons">
        <CopyButton text={value} label="Copy key" />
        <button type="button" class="button button-primary" onClick={onClose}>
          Done
        </button>
      </div>
    </div>
  );
}

interface RevokeDialogProps {
  readonly record: ApiKeyView;
  readonly onDone: () => void;
  readonly onClose: () => void;
}

function RevokeDialog({ record, onDone, onClose }: RevokeDialogProps) {
  const action = useAction((platform) => platform.revokeKey(record.id));
  const revoke = async () => {
    // A call without an answer body gives undefined, a failed one null.
    if ((await action.run(undefined)) === null) return;
    onDone();
    onClose();
  };
  return (
    <Dialog title={`Revoke ${record.name}?`} onClose={onClose}>
      <p>
        Whoever uses the key <code>{record.prefix}…</code> is turned away at once. This cannot be undone.
      </p>
      {action.error === null ? null : <Fault error={action.error} doing="Revoking" />}
      <div class="dialog-buttons">
        <button type="button" class="button" onClick={onClose}>
          Keep it
        </button>
        <button type="button" class="button button-danger" disabled={action.busy} onClick={revoke}>
          Revoke key
        </button>
      </div>
    </Dialog>
  );
}
