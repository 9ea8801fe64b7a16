import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { traceTree, visibleRows } from '../src/trace/tree.ts';
import { span } from './support/samples.ts';

/** Any spans: with parents before or after them, of their own, in a ring, or not there at all; with an id twice. */
const anySpans = fc
  .array(
    fc.record({
      id: fc.nat(20),
      parent: fc.option(fc.nat(25)),
      start: fc.nat(1000),
      duration_ms: fc.nat(500),
      service: fc.constantFrom('gateway', 'core', 'model-gateway'),
    }),
    { maxLength: 25 },
  )
  .map((list) =>
    list.map(({ id, parent, start, duration_ms, service }) =>
      span(`s${id}`, parent === null ? null : `s${parent}`, {
        start_unix_ms: 5_000 + start,
        duration_ms,
        service,
      }),
    ),
  );
const distinct = fc
  .uniqueArray(fc.nat(30), { maxLength: 20 })
  .map((starts) =>
    starts.map((start, at) =>
      span(`s${at}`, at === 0 ? null : `s${start % at}`, { start_unix_ms: 5_000 + start }),
    ),
  );

describe('a trace as a tree', () => {
  it('has each span once and every depth one more than a row above has', () => {
    fc.assert(
      fc.property(anySpans, (spans) => {
        const { rows } = traceTree(spans);
        expect(rows.map((row) => row.span.span_id).sort()).toEqual(
          [...new Set(spans.map((one) => one.span_id))].sort(),
        );
        rows.forEach((row, at) => {
          if (row.depth === 0) return;
          const parent = rows.slice(0, at).findLast((one) => one.depth === row.depth - 1);
          expect(parent?.span.span_id).toBe(row.span.parent_span_id);
        });
      }),
    );
  });

  it('makes a root of every span whose parent is not there', () => {
    fc.assert(
      fc.property(anySpans, (spans) => {
        const { rows } = traceTree(spans);
        const known = new Set(spans.map((one) => one.span_id));
        for (const { span: one, depth } of rows)
          if (one.parent_span_id === null || !known.has(one.parent_span_id)) expect(depth).toBe(0);
      }),
    );
  });

  it('keeps every bar within the time line, and tells the whole of it', () => {
    fc.assert(
      fc.property(anySpans, (spans) => {
        const tree = traceTree(spans);
        const starts = spans.map((one) => one.start_unix_ms);
        const ends = spans.map((one) => one.start_unix_ms + one.duration_ms);
        expect(tree.start_unix_ms).toBe(spans.length === 0 ? 0 : Math.min(...starts));
        expect(tree.duration_ms).toBe(spans.length === 0 ? 0 : Math.max(...ends) - Math.min(...starts));
        for (const { from, width } of tree.rows) {
          expect(from).toBeGreaterThanOrEqual(0);
          expect(width).toBeGreaterThanOrEqual(0);
          expect(from + width).toBeLessThanOrEqual(1 + 1e-9);
        }
      }),
    );
  });

  it('orders brothers and sisters by their start, and counts them', () => {
    fc.assert(
      fc.property(distinct, (spans) => {
        const { rows } = traceTree(spans);
        for (const { span: parent, children } of rows) {
          const below = rows.filter((row) => row.span.parent_span_id === parent.span_id);
          expect(children).toBe(below.length);
          const starts = below.map((row) => row.span.start_unix_ms);
          expect(starts).toEqual([...starts].sort((a, b) => a - b));
        }
      }),
    );
  });

  it('names each service once, in the order in which they come', () => {
    fc.assert(
      fc.property(anySpans, (spans) => {
        const { rows, services } = traceTree(spans);
        expect(services).toEqual([...new Set(rows.map((row) => row.span.service))]);
      }),
    );
  });

  it('hides all that is below a folded span, and nothing else', () => {
    fc.assert(
      fc.property(distinct, fc.array(fc.nat(20)), (spans, picked) => {
        const { rows } = traceTree(spans);
        const folded = new Set(picked.map((at) => `s${at}`));
        const parentOf = new Map(spans.map((one) => [one.span_id, one.parent_span_id]));
        const isHidden = (id: string): boolean => {
          const parent = parentOf.get(id) ?? null;
          return parent !== null && (folded.has(parent) || isHidden(parent));
        };
        expect(visibleRows(rows, folded)).toEqual(rows.filter((row) => !isHidden(row.span.span_id)));
      }),
    );
  });

  it('of ten thousand spans in one chain is built without running out of stack', () => {
    const chain = Array.from({ length: 10_000 }, (_, at) => span(`s${at}`, at === 0 ? null : `s${at - 1}`));
    const { rows } = traceTree(chain.reverse());
    expect(rows.at(-1)?.depth).toBe(9_999);
  });
});
