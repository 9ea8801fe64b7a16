import {
  ChatResponse,
  type Job,
  type KeyChanged,
  type LogCheckpoint,
  type ProofBundle,
  type PublishedKeys,
  type SubjectErasure,
  SubjectPage,
} from '@mcp/contracts';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { WebSocket } from 'ws';
import { refusesBadProofs } from './bad-proofs.ts';
import { forget, type Platform, type Shared, shared, startPlatform } from './support.ts';

interface TraceSpan {
  readonly span_id: string;
  readonly parent_span_id: string | null;
  readonly name: string;
}

describe.each(['in one process', 'apart'] as const)('the platform, %s', (form) => {
  let place: Shared;
  let platform: Platform;
  beforeAll(async () => {
    place = await shared();
    platform = await startPlatform(form, place);
  });
  afterAll(async () => {
    await platform.close();
    await forget(place);
  });

  const ask: Platform['ask'] = (...given) => platform.ask(...given);
  const json = async <T>(answer: Promise<Response>): Promise<T> => JSON.parse(await (await answer).text());
  const CHAT = {
    modelA: 'scripted/alpha',
    modelB: 'scripted/beta',
    exchanges: 4,
    message: 'Why is the sky blue?',
  };

  test('two models talk, the log verifies, the trace has every parent', async () => {
    await expect.poll(async () => (await ask('/v1/models')).status, { timeout: 60_000 }).toBe(200);
    const answer = await ask('/chat', CHAT);
    const text = await answer.text();
    expect(answer.status, text).toBe(200);
    const response = ChatResponse.parse(JSON.parse(text));
    expect(response.messages.map(({ role, model }) => [role, model])).toEqual([
      ['modelA', 'scripted/alpha'],
      ['modelB', 'scripted/beta'],
      ['modelA', 'scripted/alpha'],
      ['modelB', 'scripted/beta'],
    ]);
    expect(await (await ask(`/v1/conversations/${response.id}/verify`, {})).json()).toMatchObject({
      ok: true,
    });
    const lineage = `/v1/conversations/${response.id}/lineage`;
    expect(await (await ask(lineage)).json()).toMatchObject({ integrity: { ok: true, faults: [] } });
    const prov = await ask(`${lineage}?format=prov`);
    expect(prov.headers.get('content-type')).toBe('application/prov+json');
    expect(await prov.json()).toMatchObject({ prefix: { c: `urn:uuid:${response.id}#` } });
    const listed = await json<{ conversations: { id: string }[] }>(ask('/v1/conversations'));
    expect(listed.conversations.map(({ id }) => id)).toContain(response.id);
    const whole = async () => {
      const { spans = [] } = await json<{ spans?: TraceSpan[] }>(
        ask(`/v1/traces/${answer.headers.get('x-trace-id')}`),
      );
      const ids = new Set(spans.map(({ span_id }) => span_id));
      const orphans = spans.filter(
        ({ parent_span_id }) => parent_span_id !== null && !ids.has(parent_span_id),
      );
      return { inferences: spans.filter(({ name }) => name === 'model.inference').length, orphans };
    };
    await expect.poll(whole).toEqual({ inferences: expect.toSatisfy((n) => n >= 4), orphans: [] });
  });

  test('a proof that does not hold, and what is none, is refused in words', async () => {
    const { conversations } = await json<{ conversations: { id: string }[] }>(ask('/v1/conversations'));
    await refusesBadProofs(platform, conversations.at(-1)?.id ?? '');
  });

  test("completions, an alias and embeddings speak OpenAI's wire", async () => {
    const messages = [{ role: 'user', content: 'hello there' }];
    const plain = await ask('/v1/chat/completions', { model: 'scripted/echo', messages });
    expect(await plain.json()).toMatchObject({
      model: 'scripted/echo',
      choices: [{ message: { content: 'You said: hello there' }, finish_reason: 'stop' }],
    });
    const stream = await ask('/v1/chat/completions', { model: 'scripted/echo', messages, stream: true });
    expect(await stream.text()).toMatch(/data: \[DONE\]\n\n$/);
    const kept = await ask('/v1/chat/completions', { model: 'scripted/echo', messages, store: true });
    const id = kept.headers.get('x-mcp-conversation-id') ?? '';
    expect(await (await ask(`/v1/conversations/${id}`)).json()).toMatchObject({ id, status: 'completed' });
    const dual = await ask('/v1/chat/completions', { model: 'mcp/dual', messages });
    expect(await dual.json()).toMatchObject({ model: 'mcp/dual', choices: [{ finish_reason: 'stop' }] });
    const embedded = await ask('/v1/embeddings', { model: 'scripted/embed', input: ['a', 'b'] });
    expect(await embedded.json()).toMatchObject({ data: [{ index: 0 }, { index: 1 }] });
    const missing = await ask('/v1/chat/completions', { model: 'nope', messages });
    expect(missing.status).toBe(404);
    expect(await missing.json()).toMatchObject({ error: { code: 'model_not_found', param: 'model' } });
  });

  test('a cancelled conversation on the socket tells its partial transcript or why it ended', async () => {
    const socket = new WebSocket(`${platform.url.replace('http', 'ws')}/ws`, [
      'mcp',
      `mcp-key.${place.admin}`,
    ]);
    const types: string[] = [];
    const ended = new Promise<{ type: string; code?: string; response?: { status: string } }>((done) => {
      socket.on('message', (data) => {
        const event = JSON.parse(String(data));
        if (event.type === 'delta' && !types.includes('delta')) socket.send('{"type":"cancel"}');
        types.push(event.type);
        if (event.type === 'done' || event.type === 'error') done(event);
      });
    });
    await new Promise((done) => socket.on('open', done));
    socket.send(JSON.stringify({ type: 'start', request: { ...CHAT, modelA: 'scripted/slow' } }));
    const last = await ended;
    if (last.type === 'error') expect(last.code).toBe('cancelled');
    else expect(last.response?.status).toBe('cancelled');
    socket.close();
    const status = async () => {
      const { conversations } = await json<{ conversations: { status: string }[] }>(
        ask('/v1/conversations?limit=1'),
      );
      return conversations[0]?.status;
    };
    await expect.poll(status).toBe('cancelled');
  });

  test('a job is done and its progress can be followed', async () => {
    const made = await ask('/v1/jobs', {
      spec: { kind: 'embed-batch', texts: ['a', 'b'], model: 'scripted/embed' },
    });
    expect(made.status).toBe(202);
    const events = await ask(made.headers.get('location') ?? '', undefined, { accept: 'text/event-stream' });
    expect(await events.text()).toContain('"status":"completed"');
  });

  test('the administrator rotates the keys of logs, and anybody follows their history', async () => {
    const keys = () => json<PublishedKeys>(ask('/v1/provenance/keys'));
    const before = await keys();
    const done = await json<KeyChanged>(ask('/admin/provenance/keys', { change: 'rotate' }));
    expect(done.before).toMatchObject({ active_key_id: before.active_key_id });
    const after = await keys();
    expect(done.after).toMatchObject({ active_key_id: after.active_key_id, checksum: after.checksum });
    expect(after.history.keys.map(({ key_id, previous }) => ({ key_id, previous }))).toEqual([
      { key_id: before.active_key_id, previous: null },
      { key_id: after.active_key_id, previous: before.active_key_id },
    ]);
    expect((await ask('/admin/provenance/keys', { change: 'none' })).status).toBe(400);
  });

  test('the key of the transparency log is rotated, and a proof from before holds', async () => {
    const { conversations } = await json<{ conversations: { id: string }[] }>(ask('/v1/conversations'));
    const proof = `/v1/conversations/${conversations.at(-1)?.id}/proof`;
    const log = () => json<LogCheckpoint>(ask('/v1/log'));
    const [before, old] = [await log(), await json<ProofBundle>(ask(proof))];
    const done = await json<KeyChanged>(
      ask('/admin/provenance/keys', { change: 'rotate', keys: 'transparency_log' }),
    );
    const after = await log();
    expect(after.log_key_history).toMatchObject({
      keys: [{ key_id: done.before.active_key_id }, { key_id: done.after.active_key_id }],
    });
    expect(after.log_keys[1]).toBe(before.log_keys[0]);
    expect(await (await ask('/v1/verify', old)).json()).toMatchObject({ status: 'ok' });
    expect(await json<ProofBundle>(ask(proof))).toMatchObject({ log_key_history: after.log_key_history });
  });

  test('the administrator sees figures, flags and governance', async () => {
    expect(await (await ask('/admin/stats')).json()).toMatchObject({
      models: expect.arrayContaining([expect.objectContaining({ id: 'scripted/alpha' })]),
    });
    const { jobs } = await json<{ jobs: { name: string }[] }>(ask('/admin/governance'));
    const run = await ask(`/admin/governance/${jobs[0]?.name}/run`, {});
    expect(await run.json()).toMatchObject({ error: null, ok: true, failures: [] });
  });

  test('answers as a witness of logs, to everybody, in the words of C2SP tlog-witness', async () => {
    const at = `${platform.url}/v1/witness`;
    const said = await json<{ origin: string; log_keys: string[]; witness_key: string }>(fetch(at));
    expect(said.witness_key).toMatch(new RegExp(`^${said.origin}/witness\\+`));
    const add = (body: string) => fetch(`${at}/add-checkpoint`, { method: 'POST', body });
    const note = await (await ask('/v1/log/checkpoint')).text();
    expect(await json(ask('/v1/log/anchors'))).toEqual({ anchors: [] });
    const unknown = await add(`old 0\n\n${note}`);
    expect([unknown.status, unknown.headers.get('content-type')]).toEqual([404, 'text/plain']);
    expect(await unknown.text()).toContain(`does not watch the log ${said.origin}`);
    expect((await add('nothing')).status).toBe(400);
    expect((await add('x'.repeat(40_000))).status).toBe(413);
    expect((await fetch(`${at}/${'0'.repeat(64)}/checkpoint`)).status).toBe(404);
    expect((await fetch(`${at}/..%2fpeers.json/checkpoint`)).status).toBeOneOf([400, 404]);
  });

  test('an owner is given their jobs behind their conversations, and both are erased with them', async () => {
    const { id, owner } = await json<Job>(
      ask('/v1/jobs', { spec: { kind: 'embed-batch', texts: ['of mine'] } }),
    );
    const at = `/v1/subjects/${encodeURIComponent(owner)}`;
    const given = async () => {
      const pages: SubjectPage[] = [];
      for (let cursor = ''; pages.length < 50; ) {
        const page = SubjectPage.parse(await json(ask(`${at}/export${cursor}`)));
        pages.push(page);
        if (page.next_cursor === null) break;
        cursor = `?cursor=${page.next_cursor}`;
      }
      return pages;
    };
    const before = await given();
    expect(before.flatMap(({ conversations }) => conversations).length).toBeGreaterThan(0);
    expect(before.flatMap(({ jobs }) => jobs).find(({ job }) => job.id === id)?.spec).toMatchObject({
      texts: ['of mine'],
    });
    const headers = { authorization: `Bearer ${place.admin}` };
    const erase = () => json<SubjectErasure>(fetch(`${platform.url}${at}`, { method: 'DELETE', headers }));
    const first = await erase();
    expect(first.jobs).toBeGreaterThan(0);
    await expect.poll(async () => (await erase()).complete, { timeout: 20_000 }).toBe(true);
    const after = await given();
    expect(after.flatMap(({ conversations, jobs }) => [...conversations, ...jobs])).toEqual([]);
    expect((await ask(`/v1/jobs/${id}`)).status).toBe(404);
    expect((await ask(`${at}/export?cursor=jobs:x`)).status).toBe(400);
  });
});
