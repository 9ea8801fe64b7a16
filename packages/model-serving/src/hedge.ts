/** Asks a second model when the first says nothing for too long; who says something first answers, the other is ended. */
import { setTimeout as sleep } from 'node:timers/promises';
import type { CallContext } from '@mcp/contracts';
import type { Hedging } from './aliases/hedging.ts';
import type { Offered } from './inference.ts';
import { branchOf, type Opened } from './opening.ts';

interface Hedged {
  readonly hedging: Hedging;
  readonly call: CallContext;
  readonly first: Offered;
  readonly beside: () => Promise<Offered | undefined>;
  readonly open: (offered: Offered, call: CallContext) => Promise<Opened>;
  /** Which of the two answered. */
  readonly onHedge: (won: 'first' | 'second' | 'none') => void;
}

/** The stream of whoever begins to answer first. Throws the first one's failure where neither does. */
export async function hedged({ hedging, call, first, beside, open, onHedge }: Hedged): Promise<Opened> {
  hedging.budget.request();
  const started_ms = performance.now();
  const one = begin(first, { call, open });
  const early = await withinTime(one.opened, hedging.after_ms);
  const other = early || !hedging.budget.take() ? undefined : await beside();
  if (other === undefined) {
    const opened = await one.opened;
    hedging.times.add(performance.now() - started_ms);
    return opened;
  }
  const two = begin(other, { call, open });
  try {
    const winner = await Promise.any([one.opened.then(() => one), two.opened.then(() => two)]);
    hedging.times.add(performance.now() - started_ms);
    onHedge(winner === one ? 'first' : 'second');
    (winner === one ? two : one).end();
    return await winner.opened;
  } catch {
    onHedge('none');
    // It rejects with its own failure.
    return await one.opened;
  }
}

interface Branch {
  readonly opened: Promise<Opened>;
  /** Ends it at once: the connection to its server is closed, its place given back. */
  end(): void;
}

function begin(offered: Offered, { call, open }: Pick<Hedged, 'call' | 'open'>): Branch {
  const branch = branchOf(call);
  const opened = open(offered, branch.call).then(
    (stream) => ({ ...stream, dispose: branch.dispose }),
    (error: unknown) => {
      branch.dispose();
      throw error;
    },
  );
  opened.catch(() => undefined);
  return {
    opened,
    end() {
      branch.end();
      branch.dispose();
      opened.then(
        ({ rest }) => rest.return?.().then(undefined, () => undefined),
        () => undefined,
      );
    },
  };
}

/** Whether it is settled within a time; true where there is no time. */
async function withinTime(work: Promise<unknown>, after_ms: number | undefined): Promise<boolean> {
  if (after_ms === undefined) return true;
  const stop = new AbortController();
  const over = sleep(after_ms, false, { signal: stop.signal }).catch(() => true);
  const settled = work.then(
    () => true,
    () => true,
  );
  const early = await Promise.race([settled, over]);
  stop.abort();
  return early;
}
