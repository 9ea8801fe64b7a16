import { type ChatCompletionRequest, FEATURES, type Feature } from '@mcp/contracts';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { CASES, type Case, type CaseName, caseOf, offers } from '../src/cases.ts';
import { supportOf } from '../src/features.ts';
import { BACKENDS } from '../src/registry.ts';
import { asked, callOptions, codeOf, eventsOf, textOf } from './cases/asking.ts';
import { FAILURE_CHECKS } from './cases/failures.ts';
import { GRPC_CHECKS } from './cases/grpc-failures.ts';
import { BY_SCHEMA, notOffered, OFFER_CHECKS, PICTURE } from './cases/offers.ts';
import { ELSEWHERE, OVER_GRPC, SUBJECTS, type Subject, start } from './under-test.ts';

const TOOL = { type: 'function' as const, function: { name: 'f', parameters: { type: 'object' } } };
/** A value for each feature, which another server would make something of. */
const ASKED: Readonly<Record<Feature, Partial<ChatCompletionRequest>>> = {
  stream: { stream: false },
  stream_options: { stream_options: { include_usage: true } },
  n: { n: 2 },
  stop: { stop: 'two' },
  max_tokens: { max_tokens: 2 },
  max_completion_tokens: { max_completion_tokens: 2 },
  temperature: { temperature: 0.5 },
  top_p: { top_p: 0.5 },
  top_k: { top_k: 5 },
  min_p: { min_p: 0.1 },
  seed: { seed: 7 },
  presence_penalty: { presence_penalty: 1 },
  frequency_penalty: { frequency_penalty: 1 },
  logit_bias: { logit_bias: { 5: 1 } },
  logprobs: { logprobs: true },
  top_logprobs: { top_logprobs: 2 },
  tools: { tools: [TOOL] },
  tool_choice: { tools: [TOOL], tool_choice: 'none' },
  parallel_tool_calls: { parallel_tool_calls: false },
  response_format: { response_format: BY_SCHEMA },
  pictures: { messages: [{ role: 'user', content: [{ type: 'text', text: 'one' }, PICTURE] }] },
  reasoning_effort: { reasoning_effort: 'low' },
  verbosity: { verbosity: 'low' },
  service_tier: { service_tier: 'flex' },
  metadata: { metadata: { a: 'b' } },
  safety_identifier: { safety_identifier: 's' },
  prompt_cache_key: { prompt_cache_key: 'k' },
  user: { user: 'u' },
};

const casesOf = (group: object) => Object.keys(group) as CaseName[];

it('runs every case', () => {
  const run = [...casesOf(OFFER_CHECKS), ...casesOf(FAILURE_CHECKS)];
  expect(run.sort()).toEqual(casesOf(CASES).sort());
});

it('puts every transport of every backend under test', () => {
  const grpc = Object.values(BACKENDS).filter(({ manifest }) => manifest.transports.includes('grpc'));
  expect(OVER_GRPC.map(([name]) => name)).toEqual(grpc.map(({ manifest }) => manifest.name));
});

describe.each(SUBJECTS)('the backend %s', (_, name, underTest) => {
  const open = () => start(name, underTest);
  let subject: Subject;

  beforeAll(async () => {
    subject = await open();
  });
  afterAll(() => subject.close());

  it.each(FEATURES)('makes of %s what its table says', async (feature) => {
    const { support } = supportOf(BACKENDS[name].manifest.features, feature);
    expect(subject.backend.ignores?.includes(feature as never) ?? false).toBe(support === 'no effect');
    const generate = (more: Partial<ChatCompletionRequest>) =>
      eventsOf(subject.backend.generate(asked(subject, 'one', { max_tokens: 12, ...more }), callOptions()));
    const by_schema = feature === 'response_format' && !offers(BACKENDS[name].manifest, 'json_schema');
    const answer = generate(by_schema ? { response_format: { type: 'json_object' } } : ASKED[feature]);
    // What is passed on is for the server behind, which here is the scripted one: it is shown no pictures.
    const refused =
      support === 'refused' ||
      (support === 'passed on' &&
        feature !== 'pictures' &&
        supportOf(BACKENDS.scripted.manifest.features, feature).support === 'refused');
    if (refused) expect(await codeOf(answer)).toBe('unsupported_parameter');
    else if (support === 'no effect') expect(textOf(await answer)).toBe(textOf(await generate({})));
    else expect((await answer).at(-1)?.type).toBe('usage');
  });

  it.each(casesOf(OFFER_CHECKS))('%s', async (one) => {
    const { needs }: Case = CASES[one];
    if (caseOf(BACKENDS[name].manifest, one) === 'not offered' && needs !== undefined)
      await notOffered(subject, needs);
    else await OFFER_CHECKS[one as keyof typeof OFFER_CHECKS](subject, open);
  });
});

describe.each(ELSEWHERE)('%s, by what its server does', (name, one) => {
  it.each(casesOf(FAILURE_CHECKS))('%s', (failure) =>
    FAILURE_CHECKS[failure as keyof typeof FAILURE_CHECKS](one, name),
  );
});

describe.each(OVER_GRPC)('%s over gRPC, by what its server does', (name, one) => {
  it.each(casesOf(CASES).filter((failure) => failure in GRPC_CHECKS))('%s', (failure) =>
    GRPC_CHECKS[failure as keyof typeof GRPC_CHECKS](one, name),
  );
});
