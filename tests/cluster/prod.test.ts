import { setTimeout as sleep } from 'node:timers/promises';
import type { ChainVerdict } from '@mcp/contracts';
import type { Region } from '@mcp/stacks';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { get, show, until } from './support.ts';
import { EdgeClient, REGIONS, Trial } from './trial.ts';

const REPLICAS = 3;
const INITIALIZED_S = 240;
const PROMOTED_S = 240;
const PAUSE_MS = 1000;
/** Conversations whose logs are verified in the end. */
const SAMPLE = 60;
const CHAT = {
  modelA: 'scripted/alpha',
  modelB: 'scripted/beta',
  promptA: 'base_system',
  promptB: 'critic_mode',
  exchanges: 2,
  message: 'What is a queue?',
};
const TRIED = { 'x-mcp-canary': 'always' };

const trial = new Trial();
/** Conversations that were answered, by whichever core. */
const told: { client: EdgeClient; id: string }[] = [];
const rows: Record<string, unknown>[] = [];
const began = performance.now();
const since = () => `${((performance.now() - began) / 1000).toFixed(0)} s`;

beforeAll(async () => {
  await trial.prepare();
  await trial.up();
  rows.push({ what: `up in ${REGIONS.length} regions`, after: since() });
});
afterAll(async () => {
  show('The stack prod', rows);
  await trial.destroy();
});

interface Canary {
  readonly status?: { readonly phase?: string; readonly failedChecks?: number };
}

const canaryOf = ({ namespace }: Region) => get<Canary>(['canary', 'core', '--namespace', namespace]);

function phase(region: Region, wanted: string, seconds: number): Promise<number> {
  return until(`the Canary of ${region.name} is ${wanted}`, seconds, async () => {
    const { status } = await canaryOf(region);
    if (status?.phase === 'Failed') throw new Error(`Flagger rolled back: ${JSON.stringify(status)}`);
    return status?.phase === wanted;
  });
}

interface Deployment {
  readonly spec: {
    readonly replicas: number;
    readonly template: {
      readonly spec: {
        readonly containers: readonly { readonly env: readonly { name: string; value?: string }[] }[];
      };
    };
  };
  readonly status: { readonly readyReplicas?: number };
}

const primaryOf = ({ namespace }: Region) =>
  get<Deployment>(['deployment', 'core-primary', '--namespace', namespace]);

it('every region answers a chat from PostgreSQL, with three cores that Flagger initialised', async () => {
  for (const region of REGIONS) {
    await phase(region, 'Initialized', INITIALIZED_S);
    const client = await EdgeClient.of(region);
    const { status, json } = await client.ask('POST', '/chat', { body: CHAT });
    expect(status, JSON.stringify(json)).toBe(200);
    const { spec, status: of } = await primaryOf(region);
    expect([spec.replicas, of.readyReplicas]).toEqual([REPLICAS, REPLICAS]);
    const { id } = json as { id: string };
    told.push({ client, id });
    expect((await client.ask('GET', `/v1/conversations/${id}`)).status).toBe(200);
  }
  rows.push({ what: 'a chat answered in each, Canary Initialized', after: since() });
});

it('a new version of core is tried with requests of users, and promoted, while no request fails', async () => {
  const clients = await Promise.all(REGIONS.map((region) => EdgeClient.of(region)));
  let going = true;
  let asked = 0;
  const failed: string[] = [];
  const load = clients.map(async (client) => {
    while (going) {
      for (const headers of [{}, TRIED]) {
        asked++;
        const answer = await client.ask('POST', '/chat', { body: CHAT, headers }).catch((error: unknown) => ({
          status: 0,
          json: { detail: String(error) },
        }));
        if (answer.status === 200) told.push({ client, id: (answer.json as { id: string }).id });
        else failed.push(`${answer.status} ${JSON.stringify(answer.json)}`);
      }
      await sleep(PAUSE_MS);
    }
  });
  trial.edit('stacks/prod.ts', 'max_tokens: 4096', 'max_tokens: 2048');
  await trial.up();
  await Promise.all(REGIONS.map((region) => phase(region, 'Succeeded', PROMOTED_S)));
  going = false;
  await Promise.all(load);
  rows.push({
    what: `a new core promoted in each; ${asked} chats meanwhile, ${failed.length} failed`,
    after: since(),
  });
  expect(failed).toEqual([]);
  for (const region of REGIONS) {
    const { spec } = await primaryOf(region);
    const env = spec.template.spec.containers[0]?.env.find(({ name }) => name === 'MAX_TOKENS');
    expect(env?.value).toBe('2048');
  }
});

it('every conversation verifies, whichever core wrote it and whichever is asked, also after the rollout', async () => {
  const sample = told.filter((_, at) => at % Math.ceil(told.length / SAMPLE) === 0);
  const found = await Promise.all(
    sample.map(async ({ client, id }) => (await client.ask('POST', `/v1/conversations/${id}/verify`)).json),
  );
  const broken = found.filter((one) => (one as ChainVerdict).status !== 'ok');
  rows.push({
    what: `${sample.length} of ${told.length} conversations verified, ${broken.length} broken`,
    after: since(),
  });
  expect(sample.length).toBeGreaterThan(REGIONS.length * 3);
  expect(broken).toEqual([]);
});
