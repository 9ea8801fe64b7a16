/** Bounded places with their line against a model, live figures across replicas, and bodies that nobody read. */
import { once } from 'node:events';
import { createServer } from 'node:http';
import { type AddressInfo, connect, type Socket } from 'node:net';
import { PlatformError } from '@mcp/contracts';
import fc from 'fast-check';
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import { z } from 'zod';
import { Places } from '../src/clients/places.ts';
import { endUnread, isAnswered } from '../src/http/unread.ts';
import { type Bus, Reports } from '../src/index.ts';
import { later, runLater } from '../src/telemetry/later.ts';

describe('places', () => {
  type Fate = 'in' | 'waiting' | 'left' | 'refused';
  const step = fc.oneof(
    fc.constant('enter' as const),
    fc.constant('leave' as const),
    fc.nat(20).map((who) => ({ who })),
  );

  it('are held by as many as there are, and given on in the order of asking', async () => {
    await fc.assert(
      fc.asyncProperty(
        fc.integer({ min: 1, max: 3 }),
        fc.nat(3),
        fc.array(step, { maxLength: 30 }),
        async (places, max_waiting, steps) => {
          const real = new Places({ name: 'core', places, max_waiting });
          const callers: { fate: Fate; stop: AbortController }[] = [];
          const model: Fate[] = [];
          const taken = () => model.filter((fate) => fate === 'in').length;
          const line = () => model.flatMap((fate, at) => (fate === 'waiting' ? [at] : []));
          for (const one of steps) {
            if (one === 'enter') {
              const caller = { fate: 'in' as Fate, stop: new AbortController() };
              callers.push(caller);
              model.push(taken() < places ? 'in' : line().length < max_waiting ? 'waiting' : 'refused');
              enter(real, caller);
            } else if (one === 'leave') {
              const first = model.indexOf('in');
              if (first < 0) continue;
              model[first] = 'left';
              const caller = callers[first];
              if (caller !== undefined) caller.fate = 'left';
              const [next] = line();
              if (next !== undefined) model[next] = 'in';
              real.leave();
            } else {
              if (model[one.who] === 'waiting') model[one.who] = 'left';
              callers[one.who]?.stop.abort();
            }
            await new Promise((turn) => setImmediate(turn));
            expect(callers.map(({ fate }) => fate)).toEqual(model);
          }
        },
      ),
      { numRuns: 60 },
    );
  });

  function enter(real: Places, caller: { fate: Fate; stop: AbortController }): void {
    try {
      const waiting = real.enter(caller.stop.signal);
      if (waiting === undefined) return;
      caller.fate = 'waiting';
      waiting.then(
        () => {
          caller.fate = 'in';
        },
        () => {
          caller.fate = 'left';
        },
      );
    } catch (error) {
      expect(error).toMatchObject({ code: 'overloaded', retry_after_ms: 1000, retryable: true });
      caller.fate = 'refused';
    }
  }

  it('are not for who has left already, who is told why', async () => {
    const reason = new PlatformError('cancelled', 'left');
    const places = new Places({ name: 'core', places: 1, max_waiting: 1 });
    await expect(places.enter(AbortSignal.abort(reason))).rejects.toBe(reason);
    expect(places.enter(new AbortController().signal)).toBeUndefined();
  });
});

describe('live figures', () => {
  const schema = z.object({ load: z.number() });
  let listeners: ((text: string) => void)[];
  let published: number;
  const bus = () =>
    ({
      connected: true,
      connection: {
        publish(_: string, text: string) {
          published++;
          for (const listener of listeners) listener(text);
        },
        subscribe(
          _: string,
          { callback }: { callback: (error: null, message: { string(): string }) => void },
        ) {
          listeners.push((text) => callback(null, { string: () => text }));
        },
      },
    }) as unknown as Bus;
  const open = (own: (() => { load: number }) | undefined, listen = true) =>
    new Reports({
      bus: async () => bus(),
      subject: 's',
      schema,
      listen,
      ...(own === undefined ? {} : { own }),
    });

  beforeEach(() => {
    listeners = [];
    published = 0;
    vi.useFakeTimers();
  });
  afterEach(() => {
    vi.useRealTimers();
  });

  it('are the latest of every other replica, never its own, and are gone with it', async () => {
    let load = 1;
    const [a, b, listener] = [open(() => ({ load })), open(() => ({ load: 10 })), open(undefined)];
    await vi.advanceTimersByTimeAsync(1000);
    expect([a.others(), b.others()]).toEqual([[{ load: 10 }], [{ load: 1 }]]);
    expect(listener.others()).toHaveLength(2);
    load = 2;
    await vi.advanceTimersByTimeAsync(1000);
    expect(b.others()).toEqual([{ load: 2 }]);
    a.close();
    await vi.advanceTimersByTimeAsync(3000);
    expect(b.others()).toEqual([{ load: 2 }]);
    await vi.advanceTimersByTimeAsync(1000);
    expect([b.others(), listener.others()]).toEqual([[], [{ load: 10 }]]);
    b.close();
    listener.close();
  });

  it('are told by nobody who has none, and heard by nobody who does not listen', async () => {
    const [teller, silent] = [open(() => ({ load: 1 }), false), open(undefined)];
    await vi.advanceTimersByTimeAsync(1000);
    expect([published, teller.others(), silent.others()]).toEqual([1, [], [{ load: 1 }]]);
    for (const one of [teller, silent]) one.close();
  });

  it('are told again after a figure that could not be had', async () => {
    let fails = true;
    const teller = open(() => {
      if (fails) throw new Error('not now');
      return { load: 5 };
    });
    const other = open(undefined);
    await vi.advanceTimersByTimeAsync(1000);
    expect(other.others()).toEqual([]);
    fails = false;
    await vi.advanceTimersByTimeAsync(1000);
    expect(other.others()).toEqual([{ load: 5 }]);
    for (const one of [teller, other]) one.close();
  });

  it('take nothing that does not fit, and no more than a thousand replicas', async () => {
    const listener = open(undefined);
    await vi.advanceTimersByTimeAsync(1);
    const say = (value: unknown) => {
      for (const hear of listeners) hear(typeof value === 'string' ? value : JSON.stringify(value));
    };
    const replica = (at: number) => `6f1c2a9e-3a53-4b1b-9d0e-${at.toString(16).padStart(12, '0')}`;
    fc.assert(
      fc.property(
        fc.oneof(
          fc.string(),
          fc.jsonValue(),
          fc.record({ replica: fc.constant(replica(1)), report: fc.jsonValue() }),
        ),
        (value) => {
          say(value);
          expect(listener.others()).toEqual([]);
        },
      ),
    );
    for (let at = 0; at < 1500; at++) say({ replica: replica(at), report: { load: at } });
    expect(listener.others()).toHaveLength(1000);
    say({ replica: replica(7), report: { load: -1 } });
    expect(listener.others()).toContainEqual({ load: -1 });
    listener.close();
  });
});

describe('a body that nobody waited for', () => {
  let answered: Socket[];
  const server = createServer((request, response) => {
    endUnread(request, response);
    response.once('finish', () => answered.push(request.socket));
    response.end('early');
  });
  beforeEach(async () => {
    answered = [];
    server.listen(0, '127.0.0.1');
    await once(server, 'listening');
  });
  afterEach(async () => {
    server.closeAllConnections();
    server.close();
    await once(server, 'close');
  });

  async function post(sent: string): Promise<Socket> {
    const socket = connect((server.address() as AddressInfo).port, '127.0.0.1');
    socket.write(`POST / HTTP/1.1\r\nhost: x\r\ncontent-length: 10\r\n\r\n${sent}`);
    await once(socket, 'data');
    return socket;
  }

  it('ends its connection when the rest does not follow', async () => {
    const socket = await post('half');
    expect(answered.map(isAnswered)).toEqual([true]);
    await once(socket.resume(), 'close');
  });

  it('leaves the connection to the next request when the rest follows', async () => {
    const socket = await post('half');
    socket.write('second');
    socket.write('GET / HTTP/1.1\r\nhost: x\r\nconnection: close\r\n\r\n');
    const [answer] = (await once(socket, 'data')) as [Buffer];
    expect(answer.toString()).toMatch(/^HTTP\/1\.1 200/);
    expect(answered.map(isAnswered)).toEqual([false, false]);
    socket.destroy();
  });
});

it('what no answer waits for is done once and in order, also what it puts off itself', () => {
  fc.assert(
    fc.property(fc.array(fc.nat(3), { maxLength: 10 }), (children) => {
      const done: string[] = [];
      for (const [at, count] of children.entries())
        later(() => {
          done.push(`${at}`);
          for (let child = 0; child < count; child++) later(() => done.push(`${at}.${child}`));
        });
      runLater();
      const own = children.map((_, at) => `${at}`);
      const theirs = children.flatMap((count, at) =>
        Array.from({ length: count }, (_, child) => `${at}.${child}`),
      );
      expect(done).toEqual([...own, ...theirs]);
      runLater();
      expect(done).toHaveLength(own.length + theirs.length);
    }),
  );
});
