/** A caller that leaves ends its request wherever that is, and leaves nothing behind: no place, no call, no later attempt. */
import { setTimeout as sleep } from 'node:timers/promises';
import type { BackendCallOptions, ChatCompletionRequest } from '@mcp/contracts';
import { PlatformError } from '@mcp/contracts';
import fc from 'fast-check';
import { expect, it } from 'vitest';
import { answerOf, backendOf, callOf, gatewayOf, infoOf, outcomeOf, requestFor } from './support.ts';

/** Models by where a request of theirs stops. */
const PHASES = ['queued', 'accepting', 'silent', 'speaking', 'refusing', 'hedged', 'resuming'] as const;
type Phase = (typeof PHASES)[number];

/** A backend whose models stop at a phase until they are told to end; how many of its calls are open. */
function stopping() {
  let open = 0;
  const infos = [...PHASES, 'good'].map((id) => infoOf(id, id === 'queued' ? { max_concurrency: 1 } : {}));
  const backend = backendOf('a', infos, []);
  const forever = (signal: AbortSignal) =>
    sleep(600_000, undefined, { signal }).catch(() => {
      throw signal.reason;
    });
  backend.generate = async function* ({ model }: ChatCompletionRequest, { signal }: BackendCallOptions) {
    backend.asked.push(model);
    open++;
    try {
      const [start, word] = answerOf('word');
      if (start === undefined || word === undefined) throw new Error('an answer has a beginning');
      switch (model as Phase | 'good') {
        case 'good':
          yield* answerOf('good');
          return;
        case 'refusing':
          throw new PlatformError('unavailable', 'not now', { retry_after_ms: 4000 });
        case 'accepting':
        case 'queued':
          await forever(signal);
          return;
        case 'hedged':
        case 'silent':
          yield start;
          await forever(signal);
          return;
        case 'speaking':
          yield start;
          yield word;
          await forever(signal);
          return;
        case 'resuming':
          yield start;
          yield word;
          throw new PlatformError('upstream_interrupted', 'broke off');
      }
    } finally {
      open--;
    }
  };
  const aliases = {
    'a-hedged': { candidates: [{ model: 'hedged' }, { model: 'silent' }], hedge: { after_ms: 1 } },
    'a-resuming': {
      candidates: [{ model: 'resuming' }],
      fallbacks: { error: ['silent'] },
      on_interrupt: 'resume' as const,
    },
  };
  return { backend, open: () => open, ...gatewayOf([backend], {}, aliases) };
}

it('whatever phases they are in, whenever they leave', async () => {
  const leaving = fc.array(
    fc.record({ phase: fc.constantFrom(...PHASES), stays_ms: fc.nat(12), waits: fc.boolean() }),
    { minLength: 1, maxLength: 8 },
  );
  await fc.assert(
    fc.asyncProperty(leaving, async (clients) => {
      const { api, backend, open } = stopping();
      await api.models(callOf());
      const outcomes = clients.map(async ({ phase, stays_ms, waits }) => {
        const left = new AbortController();
        const call = callOf({ signal: left.signal });
        const model = phase === 'hedged' || phase === 'resuming' ? `a-${phase}` : phase;
        const outcome = outcomeOf(api.generate({ ...requestFor(model), stream: true }, call));
        // One that leaves at once was never anywhere; others get as far as they come.
        if (waits) await sleep(stays_ms);
        left.abort(new PlatformError('cancelled', 'left'));
        return (await outcome).error?.code;
      });
      const codes = await Promise.all(outcomes);
      // Nobody waits for what the model would have done: a full queue alone may have sent one away before.
      for (const code of codes) expect(['cancelled', 'overloaded', 'unavailable']).toContain(code);
      expect(open()).toBe(0);
      for (const queue of await api.queues(callOf()))
        expect([queue.running, queue.waiting_interactive]).toEqual([0, 0]);
      const asked = backend.asked.length;
      expect((await outcomeOf(api.generate(requestFor('good'), callOf()))).text).toBe('good');
      expect(backend.asked.slice(asked)).toEqual(['good']);
    }),
    { numRuns: 60 },
  );
});
