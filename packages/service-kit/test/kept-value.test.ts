import { PlatformError } from '@mcp/contracts';
import fc from 'fast-check';
import { afterEach, describe, expect, it, vi } from 'vitest';
import { backOff, KeptValue } from '../src/index.ts';

const TTL_MS = 1000;

/** A source that answers or fails as told, counted, and a clock moved by hand. */
function kept(pause_ms?: (failures: number, known: boolean) => number) {
  const clock = { now_ms: 0 };
  vi.spyOn(performance, 'now').mockImplementation(() => clock.now_ms);
  const source = { up: true, reads: 0 };
  const value = new KeptValue({
    ttl_ms: TTL_MS,
    ...(pause_ms === undefined ? {} : { pause_ms }),
    async read() {
      source.reads++;
      if (!source.up) throw new Error('down');
      return source.reads;
    },
    failure: (cause, wait_ms) => new PlatformError('unavailable', String(cause), { retry_after_ms: wait_ms }),
  });
  return { clock, source, value };
}

afterEach(() => vi.restoreAllMocks());

describe('a kept value', () => {
  it('is read once for all who ask at once, and again when its time is over', async () => {
    const { clock, source, value } = kept();
    expect(await Promise.all([value.fresh(), value.fresh(), value.fresh()])).toEqual([1, 1, 1]);
    clock.now_ms = TTL_MS - 1;
    expect(await value.fresh()).toBe(1);
    clock.now_ms = TTL_MS;
    expect(value.known).toBe(1);
    expect(await value.fresh()).toBe(2);
    expect(source.reads).toBe(2);
  });

  it('stays as it was known while it cannot be read, and is asked for after each pause', async () => {
    const { clock, source, value } = kept();
    await value.fresh();
    source.up = false;
    for (let round = 1; round <= 5; round++) {
      clock.now_ms = TTL_MS * round;
      expect(await value.fresh()).toBe(1);
      expect(await value.fresh()).toBe(1);
      expect(source.reads).toBe(1 + round);
    }
  });

  it('says why and for how long as long as nothing is known, and asks nobody before', async () => {
    const { clock, source, value } = kept((failures) => failures * 100);
    source.up = false;
    const refused = expect.objectContaining({
      code: 'unavailable',
      message: 'Error: down',
      retry_after_ms: 100,
    });
    await expect(value.fresh()).rejects.toEqual(refused);
    await expect(value.fresh()).rejects.toEqual(refused);
    expect(source.reads).toBe(1);
    clock.now_ms = 100;
    await expect(value.fresh()).rejects.toMatchObject({ retry_after_ms: 200 });
    source.up = true;
    clock.now_ms = 300;
    expect(value.known).toBeUndefined();
    expect(await value.fresh()).toBe(3);
  });
});

describe('back off', () => {
  it('doubles from the first wait, never shrinks and never passes the longest', () => {
    fc.assert(
      fc.property(fc.integer({ min: 1, max: 60 }), fc.integer({ min: 1, max: 5000 }), (times, first_ms) => {
        const most_ms = 60_000;
        const wait_ms = backOff(times, { first_ms, most_ms });
        expect(wait_ms).toBeLessThanOrEqual(most_ms);
        expect(wait_ms).toBeGreaterThanOrEqual(Math.min(first_ms, most_ms));
        expect(backOff(times + 1, { first_ms, most_ms })).toBe(Math.min(most_ms, wait_ms * 2));
      }),
    );
  });
});
