/** The lineage of logs as a graph, and as W3C PROV-JSON. */
import type { ConversationLog, Decision, Lineage, LogRecordV2 } from '@mcp/contracts';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { lineageOf, type NewRecord, provOf, signLog, verifyLog } from '../src/index.ts';
import { chained, drafts, HEADER_V2, logOf, recordOf, SECRET } from './logs.ts';

type Unchained = Omit<LogRecordV2, 'seq' | 'hash' | 'hash_prev'>;

const CHOSEN = '0194f0c2-0000-7000-8000-0000000000aa';

function signed(records: readonly NewRecord[]): ConversationLog {
  return signLog(HEADER_V2, chained(HEADER_V2, records), SECRET);
}

function read(log: ConversationLog, log_indexes: ReadonlyMap<number, number> = new Map()): Lineage {
  const steps = log.messages.map((record) =>
    'step' in record
      ? { id: record.step, kind: record.kind, parents: record.parents, ...by(record.participant) }
      : { id: `s${record.seq}`, kind: 'question' as const, parents: [] },
  );
  return lineageOf({ log, steps, log_indexes });
}

function by(participant: string | undefined) {
  return participant === undefined ? {} : { participant };
}

function decision(change: Partial<Decision> = {}): Decision {
  const scores = { semantic: 0.5, coherence: 0.5, safety: 1, composite: 0.75 };
  return {
    chosen: 'modelA',
    message_id: CHOSEN,
    reason: 'It is better.',
    method: 'composite',
    divergence: 0.2,
    safety_delta: 0,
    weights: { semantic: 0.4, coherence: 0.3, safety: 0.3 },
    candidates: [{ role: 'modelA', model: 'a', message_id: CHOSEN, ...scores }],
    critique_turn: false,
    duration_ms: 1,
    ...change,
  };
}

/** A system prompt, a question, an answer that was flagged, another with a summary, and the decision. */
function debate(
  change: { readonly at: number; readonly fields: Partial<Unchained> } | undefined = undefined,
) {
  const base = (at: number): Unchained =>
    recordOf({ content: `text ${at}`, kind: 'question', by: 'modelA', parents: [] }, at, 2) as Unchained;
  const as = (at: number, kind: LogRecordV2['kind'], fields: Partial<Unchained>): Unchained => {
    const { participant } = fields;
    const role = kind === 'turn' ? (participant ?? '') : kind === 'question' ? 'user' : kind;
    return { ...base(at), kind, role, ...fields };
  };
  const safety = {
    action: 'flagged' as const,
    findings: [
      { category: 'insult', severity: 'low' as const, tier: 'output' as const, stage: 'rules' as const },
    ],
  };
  return [
    as(0, 'system', { participant: 'modelA', parents: [], prompt: { name: 'base_system', sha256: 'a' } }),
    as(1, 'question', { parents: [] }),
    as(2, 'turn', { participant: 'modelA', parents: ['s0', 's1'], message_id: CHOSEN, model: 'a', safety }),
    as(3, 'summary', { participant: 'modelB', parents: ['s1', 's2'] }),
    as(4, 'turn', { participant: 'modelB', parents: ['s3'], model: 'b' }),
    as(5, 'decision', { parents: ['s1', 's2', 's4'], decision: decision() }),
  ].map((record, at) => (at === change?.at ? { ...record, ...change.fields } : record));
}

describe('the lineage of a log', () => {
  it('has a node for each record, safety action and output, with edges from what it was made from', () => {
    const log = signed(debate());
    const lineage = read(log, new Map([[2, 40]]));
    expect(lineage.integrity).toEqual({ ok: true, faults: [] });
    expect(lineage.nodes.map(({ id, type, parent_ids }) => [id, type, parent_ids.join(' ')])).toEqual([
      ['s0', 'instruction', ''],
      ['s1', 'input', ''],
      ['s2', 'candidate', 's0 s1'],
      ['s2.safety', 'safety_action', 's2'],
      ['s3', 'summary', 's1 s2'],
      ['s4', 'candidate', 's3'],
      ['s5', 'decision', 's1 s2 s4'],
      ['s5.output', 'output', 's2 s2.safety s5'],
    ]);
    const output = lineage.nodes.at(-1);
    expect(output).toMatchObject({ seq: 2, hash: log.messages[2]?.hash, log_index: 40 });
    expect(lineage.edges.find(({ from, to }) => from === 's2' && to === 's5')?.confidence).toBe(0.75);
    expect(lineage.edges.find(({ from, to }) => from === 's4' && to === 's5')?.confidence).toBeNull();
  });

  it('is acyclic, its edges are its parents, and its faults are none, for every log that verifies', () => {
    fc.assert(
      fc.property(drafts, (list) => {
        const lineage = read(logOf(list, 2));
        expect(lineage.integrity.ok).toBe(true);
        const place = new Map(lineage.nodes.map(({ id }, at) => [id, at]));
        expect(place.size).toBe(lineage.nodes.length);
        for (const { from, to } of lineage.edges) expect(place.get(from)).toBeLessThan(place.get(to) ?? -1);
        expect(lineage.edges.map(({ from, to }) => `${from} ${to}`)).toEqual(
          lineage.nodes.flatMap(({ id, parent_ids }) => parent_ids.map((parent) => `${parent} ${id}`)),
        );
      }),
      { numRuns: 50 },
    );
  });

  it.each([
    ['a parent that is not there', 4, { parents: ['s9'] }, /Record 4 was made from step s9, which no/],
    ['a parent after it', 2, { parents: ['s4'] }, /Record 2 was made from step s4, which no/],
    ['itself for its parent', 4, { parents: ['s4'] }, /Record 4 was made from step s4/],
    ['a decision on what no question asked', 5, { parents: ['s0'] }, /Record 5 decides on .* no question/],
    ['a decision without parents', 5, { parents: [] }, /Record 5 decides on an answer/],
    [
      'a decision for a message that nobody said',
      5,
      { decision: decision({ message_id: '0194f0c2-0000-7000-8000-0000000000bb' }) },
      /Record 5 chooses the message 0194f0c2-0000-7000-8000-0000000000bb, which no turn/,
    ],
  ])('names the record with %s, as verifying does', (_, at, fields, reason) => {
    const log = signed(debate({ at, fields }));
    const found = { seq: at, reason: expect.stringMatching(reason) };
    expect(read(log).integrity).toEqual({ ok: false, faults: [found] });
    expect(verifyLog(log, { secret: SECRET })).toMatchObject({ broken_at: at, reason: found.reason });
  });

  it('names each record whose text is not the one that was hashed', () => {
    const log = signed(debate());
    for (const at of [1, 4]) Object.assign(log.messages[at] ?? {}, { content: 'another' });
    expect(read(log).integrity.faults.map(({ seq }) => seq)).toEqual([1, 4]);
  });

  it('of version 1 says that parents are not known', () => {
    expect(read(logOf([], 1))).toMatchObject({ version: 1, parents_known: false, nodes: [], edges: [] });
  });

  it('of a recorded completion has the outputs of tools, and each answer as an output', () => {
    const participants = [{ id: 'modelA', model: 'a', prompt: null }];
    const header = { ...HEADER_V2, mode: 'answer' as const, participants, models: ['a'] };
    const [, asked, answered] = debate();
    const tool = { ...asked, content: '[tool] 21 °C', step: 's0' } as Unchained;
    const turn = { ...answered, parents: ['s0'], step: 's1', safety: undefined } as Unchained;
    const log = signLog(header, chained(header, [tool, turn]), SECRET);
    expect(read(log).nodes.map(({ id, type }) => [id, type])).toEqual([
      ['s0', 'tool_output'],
      ['s1', 'candidate'],
      ['s1.output', 'output'],
    ]);
  });
});

describe('the lineage as PROV-JSON', () => {
  it('names only what it has, generates each entity once, and derives as the edges say', () => {
    const lineage = read(signed(debate()));
    const prov = provOf(lineage);
    const { nodes, edges } = lineage;
    const counts = (section: object) => Object.keys(section).length;
    expect([prov.entity, prov.activity, prov.wasGeneratedBy, prov.wasAssociatedWith].map(counts)).toEqual(
      nodes.map(() => nodes.length).slice(0, 4),
    );
    expect([prov.used, prov.wasDerivedFrom].map(counts)).toEqual([edges.length, edges.length]);
    const known = new Set([prov.entity, prov.activity, prov.agent].flatMap((part) => Object.keys(part)));
    expect(known.size).toBe(2 * nodes.length + counts(prov.agent));
    const relations = [prov.used, prov.wasGeneratedBy, prov.wasDerivedFrom, prov.wasAssociatedWith];
    for (const relation of relations.flatMap((section) => Object.values(section)))
      for (const [key, value] of Object.entries(relation))
        if (key.startsWith('prov:') && key !== 'prov:time') expect(known).toContain(value);
    expect(prov.wasAssociatedWith['_:assoc.s2']).toMatchObject({
      'prov:agent': 'c:agent.model.modelA',
      'prov:plan': 'c:s0',
    });
    expect(JSON.stringify(prov)).not.toContain('text 1');
  });
});
