// @vitest-environment happy-dom
import { describe, expect, it } from 'vitest';
import { dagOf } from '../src/graph/dag.ts';
import { openConsole, until } from './support/console.ts';
import { conversation, decision, idOf, record, STOP } from './support/samples.ts';
import { all, named, textOf } from './support/screen.ts';

const NODES = [
  { id: 'answer', role: 'answerer', needs: [] },
  { id: 'critic', role: 'critic', needs: ['answer'] },
  { id: 'revision', role: 'synthesizer', needs: ['answer', 'critic'] },
].map((node) => ({ ...node, prompt: 'base_system', max_tokens: 64, timeout_ms: 1000, retries: 0 }));
const GRAPH = {
  name: 'mine',
  model: 'mcp/mine',
  description: 'Mine.',
  source: 'built-in',
  nodes: NODES,
  output: ['revision', 'answer'],
};

const turn = (seq: number, node: string, more: object = {}) =>
  record(seq, node, {
    step: idOf(seq),
    kind: 'turn',
    participant: node,
    parents: [idOf(1)],
    finish_reason: STOP,
    ...more,
  });

/** A conversation of a graph whose last node did not run. */
function ofGraph(more: object = {}) {
  return conversation(1, {
    mode: 'mcp/mine',
    participants: NODES.map(({ id }) => ({ id, model: `model of ${id}`, prompt: null })),
    messages: [
      record(1, 'user', { step: idOf(1), kind: 'question', parents: [] }),
      turn(2, 'answer'),
      turn(3, 'critic', {
        parents: [idOf(1), idOf(2)],
        confidence: { value: 0.9, from: 'logprobs' },
      }),
    ],
    decision: decision(1, {
      chosen: 'answer',
      method: 'graph',
      reason:
        'The answer of mcp/mine is that of its node answer. revision did not run: critic is surer than 0.6.',
    }),
    ...more,
  });
}

describe('the picture of a graph', () => {
  it.each<[string, object | undefined]>([
    ['as its definition says', GRAPH],
    ['by its records, where it is not known any more', undefined],
  ])('has each node after those that it needs, %s', (_name, graph) => {
    const nodes = dagOf(ofGraph(), graph as Parameters<typeof dagOf>[1]);
    const places = nodes.map(({ id, column, row, needs }) => [id, column, row, needs]);
    expect(places.slice(0, 2)).toEqual([
      ['answer', 0, 0, []],
      ['critic', 1, 0, ['answer']],
    ]);
    if (graph !== undefined) expect(places[2]).toEqual(['revision', 2, 0, ['answer', 'critic']]);
    expect(nodes.map(({ status, chosen }) => [status, chosen])).toEqual([
      ['finished', true],
      ['finished', false],
      ['did not run', false],
    ]);
  });

  it('tells what waits, what was cut short and what failed', () => {
    const cut = { unified: 'cancelled', raw: null };
    const messages = [record(1, 'user'), turn(2, 'answer', { finish_reason: cut })];
    const statuses = (more: object) => dagOf(ofGraph(more), undefined).map(({ status }) => status);
    expect(statuses({ messages, decision: null, status: 'running' })).toEqual([
      'cut short',
      'waiting',
      'waiting',
    ]);
    const reason =
      'The answer of mcp/mine is that of its node answer. critic failed: No. Try later.; revision did not run: no.';
    const failed = dagOf(ofGraph({ messages, decision: decision(1, { reason }) }), undefined);
    expect(failed.map(({ status, why }) => [status, why])).toEqual([
      ['cut short', null],
      ['failed', 'No. Try later.'],
      ['did not run', 'no.'],
    ]);
  });

  it('shows the record of a node, or why it has none', async () => {
    openConsole(`#/conversations/${idOf(1)}`, {
      [`GET /v1/conversations/${idOf(1)}`]: ofGraph(),
      'GET /v1/graphs': { graphs: [GRAPH] },
    });
    await until(() => expect(all('.dag-edge')).toHaveLength(3));
    expect(all('.dag-node').map(({ textContent }) => textContent)).toEqual([
      'answerthe answer',
      'criticfinished · 0.90',
      'revisiondid not run',
    ]);
    named('criticfinished · 0.90').click();
    await until(() => expect(textOf('.dag .step')).toContain('critic says 3'));
    named('revisiondid not run').click();
    await until(() =>
      expect(textOf('.dag .notice')).toContain('revision did not run: critic is surer than 0.6.'),
    );
  });
});

describe('the lineage of a conversation', () => {
  const node = (seq: number, type: string, more: object = {}) => ({
    id: `s${seq}`,
    type,
    parent_ids: [],
    transform_type: 'generate',
    produced_at: '2026-11-29T09:00:00.000Z',
    seq,
    hash: 'a'.repeat(64),
    log_index: null,
    trace_id: 'f'.repeat(32),
    ...more,
  });

  it('is drawn on demand, says what is wrong, and shows a node with its record and its proof', async () => {
    const path = `/v1/conversations/${idOf(1)}`;
    const reason = 'Record 3 was made from step s9, which no record before it is.';
    openConsole(`#/conversations/${idOf(1)}`, {
      [`GET ${path}`]: ofGraph(),
      'GET /v1/graphs': { graphs: [] },
      [`GET ${path}/lineage`]: {
        parents_known: true,
        nodes: [
          node(1, 'input'),
          node(2, 'candidate', { parent_ids: ['s1'], participant: 'answer', log_index: 41 }),
          node(3, 'candidate', { parent_ids: ['s1', 's9'], participant: 'critic' }),
          node(4, 'output', { parent_ids: ['s2', 's3'] }),
        ],
        integrity: { ok: false, faults: [{ seq: 3, reason }] },
      },
      [`POST ${path}/verify`]: { status: 'broken', ok: false, records: 3, broken_at: 3, reason, head: null },
    });
    await until(() => named('Show the lineage').click());
    await until(() => expect(textOf('.notice')).toContain(reason));
    const nodes = all('[aria-label="Lineage"] .dag-node');
    expect(nodes.map(({ textContent }) => textContent)).toEqual([
      'inputs1',
      'candidateanswer',
      'candidatecritic',
      'outputs4',
    ]);
    expect(all('[aria-label="Lineage"] .dag-edge')).toHaveLength(4);
    named('candidateanswer').click();
    await until(() => expect(textOf('.proof')).toContain('entry 41'));
    expect(textOf('[aria-label="Lineage"] .step')).toContain('answer says 2');
    await until(() => expect(textOf('[aria-label="Lineage"]')).toContain('The chain is broken'));
  });
});
