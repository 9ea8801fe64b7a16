import { createHash } from 'node:crypto';
import { expect, it } from 'vitest';
import { EU, edgeOf, get, show, US, until } from './support.ts';

const MODEL = 'smollm2-135m-instruct';

interface Checkpoint {
  readonly note: string;
  readonly size: number;
}

interface Verdict {
  readonly status?: string;
  readonly transparency?: {
    readonly origin: string;
    readonly index: number;
    readonly witnesses: readonly string[];
  };
}

it('two regions answer, each with its own residency', async () => {
  const rows: Record<string, unknown>[] = [];
  for (const region of [EU, US]) {
    const { url, key } = await edgeOf(region);
    const health = await fetch(`${url}/healthz`);
    const began = performance.now();
    const chat = await fetch(`${url}/chat`, {
      method: 'POST',
      headers: { authorization: `Bearer ${key}`, 'content-type': 'application/json' },
      body: JSON.stringify({
        modelA: MODEL,
        modelB: MODEL,
        promptA: 'base_system',
        promptB: 'critic_mode',
        exchanges: 2,
        message: 'What is a queue?',
      }),
    });
    const answer = (await chat.json()) as { id: string; messages?: unknown[]; detail?: string };
    expect(chat.status, answer.detail).toBe(200);
    expect(answer.messages?.length).toBeGreaterThanOrEqual(2);
    const chat_s = ((performance.now() - began) / 1000).toFixed(1);
    let verdict: Verdict = {};
    await until(
      'the log of the region proves the conversation, and the other one witnesses it',
      60,
      async () => {
        const verify = { method: 'POST', headers: { authorization: `Bearer ${key}` } };
        verdict = await (await fetch(`${url}/v1/conversations/${answer.id}/verify`, verify)).json();
        return verdict.status === 'ok' && verdict.transparency?.witnesses.length === 1;
      },
    );
    const { metadata } = await get<{ metadata: { labels: Record<string, string> } }>([
      'namespace',
      region.namespace,
    ]);
    rows.push({
      region: region.name,
      health: health.status,
      residency: metadata.labels['mcp.platform/residency'],
      messages: answer.messages?.length,
      chat_s,
      ...verdict.transparency,
    });
    expect(verdict.transparency?.origin).toContain(region.name);
    expect(verdict.transparency?.witnesses[0]).toContain((region === EU ? US : EU).name);
    expect(metadata.labels['mcp.platform/residency']).toBe(region.residency);
  }
  show('Regions', rows);
});

it('each region keeps a copy of the log of the other, verified against what that has signed', async () => {
  const rows: Record<string, unknown>[] = [];
  for (const [of, at] of [
    [EU, US],
    [US, EU],
  ] as const) {
    const [own, other] = [await edgeOf(of), await edgeOf(at)];
    const headers = { authorization: `Bearer ${own.key}` };
    const { note, size } = (await (await fetch(`${own.url}/v1/log`, { headers })).json()) as Checkpoint;
    const [origin = ''] = note.split('\n');
    const id = createHash('sha256').update(origin).digest('hex');
    let copy = { size: 0, note: '' };
    const copied_s = await until('the other region has a copy', 60, async () => {
      copy = await (await fetch(`${other.url}/v1/witness/${id}/copy`)).json();
      return copy.size >= size;
    });
    expect(copy.note).toContain(`${origin}\n`);
    rows.push({ log: origin, entries: size, at: at.name, copied: copy.size, copied_s: copied_s.toFixed(1) });
  }
  show('Copies', rows);
});

it('a key of one region is good in the other, and data that must stay elsewhere is refused', async () => {
  const [eu, us] = [await edgeOf(EU), await edgeOf(US)];
  const made = await fetch(`${eu.url}/admin/keys`, {
    method: 'POST',
    headers: { authorization: `Bearer ${eu.key}`, 'content-type': 'application/json' },
    body: JSON.stringify({ name: 'of-eu', scopes: ['chat'] }),
  });
  const { key } = (await made.json()) as { key: string };
  const statusIn = async ({ url }: typeof us, headers: Record<string, string> = {}) =>
    (await fetch(`${url}/v1/models`, { headers: { authorization: `Bearer ${key}`, ...headers } })).status;
  expect(await statusIn(eu)).toBe(200);
  const took = await until(
    'the key is known in the other region',
    30,
    async () => (await statusIn(us)) === 200,
  );
  const table = await fetch(`${us.url}/v1/regions`, { headers: { authorization: `Bearer ${key}` } });
  const { here, regions } = (await table.json()) as { here: string; regions: { name: string }[] };
  expect([here, ...regions.map(({ name }) => name)]).toEqual([US.name, US.name, EU.name]);
  const residency = { 'x-mcp-residency': EU.residency };
  const rows = [
    { region: EU.name, key_s: 0, asks_for: EU.residency, status: await statusIn(eu, residency) },
    {
      region: US.name,
      key_s: took.toFixed(1),
      asks_for: EU.residency,
      status: await statusIn(us, residency),
    },
  ];
  show(`A key made in ${EU.name}`, rows);
  expect(rows.map(({ status }) => status)).toEqual([200, 421]);
});
