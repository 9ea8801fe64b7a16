import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { CoolDown } from '../src/cool-down.ts';

function make() {
  const clock = { ms: 0 };
  return { clock, cool: new CoolDown(() => clock.ms) };
}

describe('the cool-down of a server', () => {
  it('is never longer than a minute, whatever the server asks for', () => {
    const step = fc.record({
      pass_ms: fc.nat(120_000),
      retry_after_ms: fc.option(fc.nat(24 * 60 * 60_000), { nil: undefined }),
      end: fc.constantFrom('accepted' as const, 'refused' as const, 'failed' as const, 'left' as const),
    });
    fc.assert(
      fc.property(fc.array(step, { maxLength: 60 }), (steps) => {
        const { clock, cool } = make();
        for (const { pass_ms, retry_after_ms, end } of steps) {
          clock.ms += pass_ms;
          if (cool.wait_ms === 0) {
            const epoch = cool.begin();
            if (end === 'accepted') cool.accepted(epoch);
            if (end === 'accepted') cool.answered(epoch);
            if (end === 'refused') cool.refused(epoch, retry_after_ms);
            if (end === 'failed') cool.failed(epoch);
          }
          expect(cool.wait_ms).toBeLessThanOrEqual(60_000);
        }
        clock.ms += 60_000;
        expect(cool.wait_ms).toBe(0);
      }),
    );
  });

  it('lets one try when it is over, and the others when that one was taken', () => {
    const { clock, cool } = make();
    cool.refused(cool.begin(), 3000);
    expect(cool.wait_ms).toBe(3000);
    clock.ms += 3000;
    const probe = cool.begin();
    expect(cool.wait_ms).toBeGreaterThan(0);
    cool.accepted(probe);
    expect([cool.wait_ms, cool.shunned]).toEqual([0, false]);
  });

  it('lets another one try when the first has no answer for 5 s', () => {
    const { clock, cool } = make();
    cool.refused(cool.begin(), 1000);
    clock.ms += 1000;
    cool.begin();
    clock.ms += 4999;
    expect(cool.wait_ms).toBe(1);
    clock.ms += 1;
    expect(cool.wait_ms).toBe(0);
  });

  it('doubles where the server names no time, and begins anew once it was taken', () => {
    const { clock, cool } = make();
    const pauses: number[] = [];
    for (let time = 0; time < 8; time++) {
      cool.refused(cool.begin(), undefined);
      pauses.push(cool.wait_ms);
      clock.ms += cool.wait_ms;
    }
    expect(pauses).toEqual([1000, 2000, 4000, 8000, 16_000, 32_000, 60_000, 60_000]);
    cool.accepted(cool.begin());
    cool.refused(cool.begin(), undefined);
    expect(cool.wait_ms).toBe(1000);
  });

  it('counts what was refused together once, and takes no success from before the refusal for a sign', () => {
    const { cool } = make();
    const [first, second, third] = [cool.begin(), cool.begin(), cool.begin()];
    cool.refused(first, undefined);
    cool.refused(second, undefined);
    cool.accepted(third);
    expect(cool.wait_ms).toBe(1000);
  });

  it('makes a failing server second choice, and closes it to nobody', () => {
    const { clock, cool } = make();
    cool.failed(cool.begin());
    expect([cool.wait_ms, cool.shunned, cool.state]).toEqual([0, true, 'closed']);
    clock.ms += 1000;
    expect(cool.shunned).toBe(false);
  });
});

describe('the circuit of a server', () => {
  const fail = (cool: CoolDown, times: number) => {
    for (let time = 0; time < times; time++) cool.failed(cool.begin());
  };

  it('opens after five failures in a row, and a success between them begins the count anew', () => {
    fc.assert(
      fc.property(fc.array(fc.boolean(), { maxLength: 40 }), (successes) => {
        const { cool } = make();
        let row = 0;
        for (const success of successes) {
          const epoch = cool.begin();
          if (success) cool.answered(epoch);
          else cool.failed(epoch);
          row = success ? 0 : row + 1;
          expect([cool.state, cool.broken]).toEqual(row < 5 ? ['closed', false] : ['open', true]);
          if (row >= 5) return;
        }
      }),
    );
  });

  it('stays open twice as long with each probe that fails, at most 15 s, and closes with one that succeeds', () => {
    const { clock, cool } = make();
    fail(cool, 5);
    const pauses: number[] = [];
    for (let time = 0; time < 6; time++) {
      pauses.push(cool.wait_ms);
      clock.ms += cool.wait_ms;
      const probe = cool.begin();
      expect([cool.state, cool.wait_ms > 0]).toEqual(['half_open', true]);
      cool.failed(probe);
    }
    expect(pauses).toEqual([1000, 2000, 4000, 8000, 15_000, 15_000]);
    clock.ms += cool.wait_ms;
    cool.answered(cool.begin());
    expect([cool.state, cool.wait_ms, cool.shunned, cool.broken]).toEqual(['closed', 0, false, false]);
  });

  it('is not closed by a server that takes a request and then breaks off', () => {
    const { cool } = make();
    for (let time = 0; time < 5; time++) {
      const epoch = cool.begin();
      cool.accepted(epoch);
      cool.failed(epoch);
    }
    expect(cool.state).toBe('open');
  });

  it('takes no word of one that began before it opened', () => {
    const { cool } = make();
    const before = cool.begin();
    fail(cool, 5);
    cool.answered(before);
    cool.failed(before);
    cool.abandoned(before);
    expect([cool.state, cool.wait_ms]).toEqual(['open', 1000]);
  });

  it('lets the next one try at once where the caller of the probe has left', () => {
    const { clock, cool } = make();
    fail(cool, 5);
    clock.ms += 1000;
    cool.abandoned(cool.begin());
    expect([cool.state, cool.wait_ms]).toEqual(['open', 0]);
    expect(cool.begin()).toBeGreaterThan(0);
    expect(cool.state).toBe('half_open');
  });
});
