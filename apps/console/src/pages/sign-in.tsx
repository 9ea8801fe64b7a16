import { useState } from 'preact/hooks';
import { connectPlatform } from '../api/platform.ts';
import { asApiError } from '../hooks.ts';

interface SignInProps {
  /** Why the last session ended, when it did not end by choice. */
  readonly reason: string | null;
  readonly onSignIn: (key: string) => void;
}

/** Asks for an API key and tries it before letting anyone in. */
export function SignIn({ reason, onSignIn }: SignInProps) {
  const [key, setKey] = useState('');
  const [fault, setFault] = useState<string | null>(reason);
  const [busy, setBusy] = useState(false);
  const submit = async (event: Event) => {
    event.preventDefault();
    const typed = key.trim();
    if (typed === '') return setFault('Type or paste an API key first.');
    setBusy(true);
    setFault(null);
    try {
      await connectPlatform(typed).models();
      onSignIn(typed);
    } catch (thrown) {
      const error = asApiError(thrown);
      setFault(error.status === 401 ? `This key is not accepted. ${error.message}` : error.message);
      setBusy(false);
    }
  };
  return (
    <div class="sign-in">
      <h1>Sign in</h1>
      <p class="lead">
        The console works with an API key of this platform. Starting the platform prints a link that signs you
        in.
      </p>
      <form onSubmit={submit} noValidate>
        <label class="field">
          <span>API key</span>
          <input
            type="password"
            name="api-key"
            autocomplete="current-password"
            spellcheck={false}
            value={key}
            aria-invalid={fault !== null}
            aria-describedby={fault === null ? undefined : 'sign-in-fault'}
            onInput={(input) => setKey(input.currentTarget.value)}
          />
        </label>
        {fault === null ? null : (
          <p id="sign-in-fault" class="field-fault" role="alert">
            {fault}
          </p>
        )}
        <button type="submit" class="button button-primary" disabled={busy}>
          {busy ? 'Checking …' : 'Sign in'}
        </button>
      </form>
      <p class="meta">The key stays in this tab and is forgotten when the tab is closed.</p>
    </div>
  );
}
