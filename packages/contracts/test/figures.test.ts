/** What is told of models and their load. */
import { describe, expect, it } from 'vitest';
import {
  CountTokensRequest,
  EmbeddingsResult,
  FEATURES,
  FORMATS,
  GatewayReport,
  ModelInfo,
  nameIn,
  QueueReport,
  QueueStatus,
  ReservePlace,
  TokenCount,
  Usage,
} from '../src/index.ts';
import { describeFields, WHOLE } from './support.ts';

const model = {
  id: 'm',
  backend: 'ollama',
  kind: 'chat',
  owned_by: 'o',
  max_context: 4096,
  cost_input_per_mtok_usd: null,
  cost_output_per_mtok_usd: 0,
  status: 'ready',
};
const price = { right: [0, 0.5, null], wrong: [-1, 'free', undefined] };
const usage = { input_tokens: 1, output_tokens: 2 };
const queue = { model: 'm', running: 0, waiting_interactive: 0, waiting_batch: 0, capacity: 1 };
const report = { requests: 1, failed: 0, durations: [[0, 1]], tokens_in_total: 0, tokens_out_total: 0.5 };

describeFields([
  [
    'a model',
    ModelInfo,
    model,
    {
      id: { right: ['a', 'x'.repeat(200)], wrong: ['', 'x'.repeat(201), undefined] },
      kind: { right: ['chat', 'embedding'], wrong: ['image', undefined] },
      max_context: { right: [1, 1e6], wrong: [0, -1, 1.5] },
      max_concurrency: { right: [undefined, 1], wrong: [0, 1.5, null] },
      dimensions: { right: [undefined, 384], wrong: [0, -1] },
      cost_input_per_mtok_usd: price,
      cost_output_per_mtok_usd: price,
      cost_cached_input_per_mtok_usd: { right: [undefined, null, 0], wrong: [-1] },
      capabilities: { right: [undefined, [], ['tools', 'images']], wrong: [['flight'], 'tools'] },
      residency: { right: [undefined, 'eu', 'any'], wrong: ['mars', null] },
      energy: {
        right: [undefined, { j_per_token: 0, source: 'measured' }],
        wrong: [{ j_per_token: -1, source: 'measured' }, { j_per_token: 1 }, 1],
      },
      own: { right: [undefined, true], wrong: [false, 'yes'] },
      status: { right: ['ready', 'loading', 'downloading', 'unavailable'], wrong: ['gone', undefined] },
    },
  ],
  [
    'usage',
    Usage,
    usage,
    {
      input_tokens: WHOLE,
      cached_input_tokens: { right: [undefined, 0], wrong: [-1, null] },
    },
  ],
  [
    'vectors',
    EmbeddingsResult,
    { model: 'm', vectors: [[1]], input_tokens: 0 },
    {
      vectors: { right: [[], [[]], [[0.5, -1]]], wrong: [[1], [['1']], null] },
    },
  ],
  [
    'a count',
    TokenCount,
    { tokens: 1, exact: true, max_context: 1 },
    {
      tokens: WHOLE,
      exact: { right: [false], wrong: ['yes', undefined] },
    },
  ],
  [
    'what is counted',
    CountTokensRequest,
    { model: 'm', messages: [] },
    {
      messages: { right: [[], [{ role: 'user', content: 'x' }]], wrong: [{}, 'x', undefined] },
    },
  ],
  [
    'a place',
    ReservePlace,
    { model: 'm' },
    {
      model: { right: ['m'], wrong: ['', 'x'.repeat(201), 1] },
    },
  ],
  [
    'a queue',
    QueueStatus,
    queue,
    {
      running: WHOLE,
      capacity: { right: [1], wrong: [0, 1.5] },
    },
  ],
  [
    'queues',
    QueueReport,
    { queues: [queue] },
    {
      queues: { right: [[], [queue, queue]], wrong: [[{}], Array.from({ length: 10_001 }, () => queue)] },
    },
  ],
  [
    'what a gateway saw',
    GatewayReport,
    report,
    {
      requests: WHOLE,
      durations: {
        right: [
          [],
          [
            [0, 1],
            [5, 2],
          ],
        ],
        wrong: [[[0, 0]], [[-1, 1]], [[1]], [[0, 1, 2]]],
      },
    },
  ],
]);

describe('a format of completions', () => {
  const formats = Object.keys(FORMATS) as (keyof typeof FORMATS)[];
  it.each(formats)('%s has a word for what it can ask, and none for anything else', (format) => {
    for (const feature of FEATURES) {
      const word = nameIn(format, feature);
      if (word !== undefined) expect(word).toMatch(/^[a-z_]+(\.[a-z_]+)*$/);
    }
    for (const other of ['nothing', 'model', 'constructor', '__proto__', ''])
      expect(nameIn(format, other)).toBeUndefined();
  });

  it('calls each of its features something, and chat all of them', () => {
    expect(FEATURES.filter((feature) => nameIn('chat', feature) === undefined)).toEqual([]);
    expect(new Set(FEATURES).size).toBe(FEATURES.length);
    for (const format of formats) expect(FORMATS[format].route).toMatch(/^POST \/v1\//);
  });
});
