/** Nobody waits for ever: batch work behind steady interactive work, long requests behind short ones, old callers behind new ones. */
import { setImmediate as turn } from 'node:timers/promises';
import type { QueueClass } from '@mcp/contracts';
import fc from 'fast-check';
import { expect, it } from 'vitest';
import { FairLine } from '../src/fair-line.ts';
import { ModelQueue } from '../src/queue.ts';
import type { Visit } from '../src/route.ts';
import { routeOf } from './support.ts';

const tokens = fc.integer({ min: 1, max: 4000 });

it('batch work gets its share of the tokens while interactive work never stops waiting', async () => {
  const scene = fc.record({
    min_share: fc.constantFrom(0.05, 0.1, 0.3),
    reserve: fc.constantFrom(0, 0.1, 0.5),
    places: fc.integer({ min: 1, max: 4 }),
    batch: fc.array(fc.record({ who: fc.constantFrom('ann', 'bob'), tokens }), {
      minLength: 1,
      maxLength: 4,
    }),
    interactive: fc.array(fc.record({ who: fc.constantFrom('ann', 'cat', 'dan'), tokens }), {
      minLength: 1,
      maxLength: 6,
    }),
  });
  await fc.assert(
    fc.asyncProperty(scene, async ({ min_share, reserve, places, batch, interactive }) => {
      let now_ms = 0;
      const options = { model: 'm', max_waiting: 1000, batch: { min_share, reserve }, now: () => now_ms };
      const queue = new ModelQueue(options, () => undefined);
      const routes = [routeOf(places)];
      const { signal } = new AbortController();
      const running: Visit[] = [];
      let begun = 0;
      let waiting = batch.length;
      const enter = (who: string, cls: QueueClass, size: number) => {
        const ask = { who, class: cls, expected: { tokens: size, kind: 0 }, signal, routes };
        void queue.enter(ask).then((visit) => {
          running.push(visit);
          if (cls === 'batch') waiting--;
          else if (waiting > 0) begun += size;
        });
      };
      let next = 0;
      const arrive = () => {
        const one = interactive[next++ % interactive.length];
        if (one !== undefined) enter(one.who, 'interactive', one.tokens);
      };
      for (let at = 0; at < places + 2; at++) arrive();
      await turn();
      for (const one of batch) enter(one.who, 'batch', one.tokens);
      const owed = batch.reduce((sum, one) => sum + one.tokens, 0);
      const most = (owed + 4000 * (places + 1)) / min_share + 4000 * (places + 1);
      while (waiting > 0 && begun <= most) {
        arrive();
        now_ms += 100;
        running.shift()?.leave();
        await turn();
      }
      expect(waiting).toBe(0);
    }),
    { numRuns: 40 },
  );
});

it('a long request begins after ten times the difference, whatever short ones of its caller come', () => {
  const times = fc.record({
    short_ms: fc.integer({ min: 1, max: 1000 }),
    more_ms: fc.integer({ min: 1, max: 100_000 }),
  });
  fc.assert(
    fc.property(times, ({ short_ms, more_ms }) => {
      const line = new FairLine<string>((kind) => (kind === 0 ? short_ms : short_ms + more_ms));
      const share = { tokens: 10, weight: 1 };
      line.add('ann', 'long', { ...share, kind: 1, since_ms: 0 });
      const most_ms = 10 * more_ms + short_ms;
      for (let now_ms = 1; now_ms <= most_ms + 1; now_ms += Math.max(1, Math.floor(most_ms / 50))) {
        line.add('ann', `short ${now_ms}`, { ...share, kind: 0, since_ms: now_ms });
        const [first = ''] = line.inTurn();
        line.serve('ann', first);
        if (first === 'long') return;
      }
      line.add('ann', 'short', { ...share, kind: 0, since_ms: most_ms + 1 });
      expect([...line.inTurn()][0]).toBe('long');
    }),
  );
});

it('whoever had much before is not passed for ever by callers that are new', () => {
  const scene = fc.record({
    had: fc.integer({ min: 1, max: 20_000 }),
    tokens: fc.integer({ min: 100, max: 4000 }),
    at_once: fc.integer({ min: 1, max: 5 }),
  });
  fc.assert(
    fc.property(scene, ({ had, tokens: size, at_once }) => {
      const line = new FairLine<string>(() => 1);
      const share = { weight: 1, kind: 0, since_ms: 0 };
      line.add('old', 'first', { ...share, tokens: had });
      line.serve('old', 'first');
      line.add('old', 'second', { ...share, tokens: 1 });
      let made = 0;
      const come = () => {
        line.add(`new ${made}`, `of ${made}`, { ...share, tokens: size });
        made++;
      };
      for (let at = 0; at < at_once; at++) come();
      // Ten times what the old one had, once for each that waits beside it.
      const most = 10 * (had / size + 1) * (at_once + 1) + at_once;
      for (let served = 0; served <= most; served++) {
        const [first = ''] = line.inTurn();
        if (first === 'second') return;
        line.serve(first.replace('of', 'new'), first);
        come();
      }
      expect.fail(`${most} went before it`);
    }),
  );
});
