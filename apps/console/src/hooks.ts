import { createContext, type FunctionComponent } from 'preact';
import { useCallback, useContext, useEffect, useRef, useState } from 'preact/hooks';
import { ApiError } from './api/http.ts';
import type { Platform } from './api/platform.ts';

/** Who is signed in, and how to stop being it. */
export interface Session {
  readonly platform: Platform;
  readonly signOut: (reason?: string) => void;
}

export const SessionContext = createContext<Session | null>(null);

function useSession(): Session {
  const session = useContext(SessionContext);
  if (session === null) throw new Error('A page was shown outside a session.');
  return session;
}

/** What a page knows of something it loads. `data` stays while a reload runs or fails. */
export interface Loaded<T> {
  readonly data: T | null;
  readonly error: ApiError | null;
  readonly loading: boolean;
  readonly reload: () => void;
}

/** How often a page asks again, in ms; null: no more. Decided anew each time, by the last answer that came. */
export type Interval<T> = (data: T | null) => number | null;

const ONCE: Interval<unknown> = () => null;

/**
 * Loads something when the page is shown and when `name` changes; asks again at the given interval while the tab
 * is visible. A 401 ends the session.
 */
export function useLoaded<T>(
  name: string,
  load: (platform: Platform, signal: AbortSignal) => Promise<T>,
  every: Interval<T> = ONCE,
): Loaded<T> {
  const { platform, signOut } = useSession();
  const [state, setState] = useState<Omit<Loaded<T>, 'reload'> & { name: string }>({
    name,
    data: null,
    error: null,
    loading: true,
  });
  const [round, setRound] = useState(0);
  const latest = useRef({ load, every, signOut });
  latest.current = { load, every, signOut };

  useEffect(() => {
    const abort = new AbortController();
    let timer: ReturnType<typeof setTimeout> | undefined;
    let known: T | null = null;
    const again = () => {
      const wait_ms = latest.current.every(known);
      if (wait_ms !== null && !abort.signal.aborted) timer = setTimeout(ask, wait_ms);
    };
    const ask = (): void => {
      if (document.hidden) {
        again();
        return;
      }
      latest.current.load(platform, abort.signal).then(
        (data) => {
          if (abort.signal.aborted) return;
          known = data;
          setState({ name, data, error: null, loading: false });
          again();
        },
        (thrown: unknown) => {
          if (abort.signal.aborted) return;
          const error = asApiError(thrown);
          if (error.status === 401) return latest.current.signOut(error.message);
          setState((before) => ({
            name,
            data: before.name === name ? before.data : null,
            error,
            loading: false,
          }));
          again();
        },
      );
    };
    setState((before) => ({
      name,
      data: before.name === name ? before.data : null,
      error: null,
      loading: true,
    }));
    ask();
    return () => {
      abort.abort();
      clearTimeout(timer);
    };
  }, [name, platform, round]);

  const reload = useCallback(() => setRound((value) => value + 1), []);
  return state.name === name ? { ...state, reload } : { data: null, error: null, loading: true, reload };
}

/** A call that a button makes: busy while it runs, its fault afterwards. */
export interface Action<In, Out> {
  readonly run: (input: In) => Promise<Out | null>;
  readonly busy: boolean;
  readonly error: ApiError | null;
  readonly reset: () => void;
}

export function useAction<In, Out>(act: (platform: Platform, input: In) => Promise<Out>): Action<In, Out> {
  const { platform, signOut } = useSession();
  const [state, setState] = useState<{ busy: boolean; error: ApiError | null }>({ busy: false, error: null });
  const run = async (input: In): Promise<Out | null> => {
    setState({ busy: true, error: null });
    try {
      const out = await act(platform, input);
      setState({ busy: false, error: null });
      return out;
    } catch (thrown) {
      const error = asApiError(thrown);
      if (error.status === 401) signOut(error.message);
      setState({ busy: false, error });
      return null;
    }
  };
  return { run, ...state, reset: () => setState({ busy: false, error: null }) };
}

/** Any thrown value as an {@link ApiError}; a time-out says so. */
export function asApiError(thrown: unknown): ApiError {
  if (thrown instanceof ApiError) return thrown;
  const timedOut = thrown instanceof DOMException && thrown.name === 'TimeoutError';
  return new ApiError({
    status: 0,
    code: timedOut ? 'timeout' : 'unreadable',
    message: timedOut
      ? 'The gateway took longer than 20 s to answer. Try again.'
      : 'The gateway gave an answer that this console cannot read. Reload the page; if it stays, their versions differ.',
    trace_id: null,
    retry_after_ms: null,
  });
}

/** Time now, renewed every 30 s, for ages in lists. */
export function useNow(): number {
  const [now_ms, setNow] = useState(() => Date.now());
  useEffect(() => {
    const timer = setInterval(() => setNow(Date.now()), 30_000);
    return () => clearInterval(timer);
  }, []);
  return now_ms;
}

/** A component that is fetched once it is needed; null until then. */
export function useLater<P>(
  load: () => Promise<{ readonly default: FunctionComponent<P> }>,
): FunctionComponent<P> | null {
  const [come, setCome] = useState<{ readonly component: FunctionComponent<P> } | null>(null);
  const first = useRef(load);
  useEffect(() => {
    void first.current().then((module) => setCome({ component: module.default }));
  }, []);
  return come?.component ?? null;
}
