/** Texts that must stay somewhere: no server elsewhere, or of which that is not known, is sent anything, whatever it would be asked for. */
import type { CallContext, ModelInfo, Residency } from '@mcp/contracts';
import { PlatformError } from '@mcp/contracts';
import { describe, expect, it } from 'vitest';
import {
  answerOf,
  backendOf,
  callOf,
  type FakeBackend,
  gatewayIn,
  infoOf,
  outcomeOf,
  requestFor,
} from './support.ts';

type Api = ReturnType<typeof gatewayIn>['api'];

/** How a model is named directly: nothing but the model itself stands between it and a text. */
const WAYS: Readonly<Record<string, (api: Api, call: CallContext) => Promise<unknown>>> = {
  'a completion': async (api, call) => {
    const { error } = await outcomeOf(api.generate(requestFor('m'), call));
    if (error !== undefined) throw error;
  },
  'a stream': async (api, call) => {
    const { error } = await outcomeOf(api.generate({ ...requestFor('m'), stream: true }, call));
    if (error !== undefined) throw error;
  },
  embeddings: (api, call) => api.embed({ model: 'v', input: 'hi' }, call),
  'a count of tokens': (api, call) => api.countTokens(requestFor('m'), call),
  'a place in the queue': (api, call) => api.reserve('m', call),
};

/** Who says that the text must stay in the EU. */
const RULES: Readonly<Record<string, { rules?: object; call?: Partial<CallContext> }>> = {
  'the request': { call: { residency: 'eu' } },
  'the operator, for all': { rules: { default: ['eu'] } },
  'the operator, for the caller': { rules: { default: ['us'], callers: { 'key:1': ['eu'] } } },
  'the operator, and the request anywhere': { rules: { default: ['eu'] }, call: { residency: 'any' } },
};

/** Where a model is, and whether it may be asked. The platform of these tests is in the EU. */
const PLACES: readonly (readonly [string, Partial<ModelInfo>, boolean])[] = [
  ['in the EU', { residency: 'eu' }, true],
  ['in the US', { residency: 'us' }, false],
  ['anywhere', { residency: 'any' }, false],
  ['nobody knows where', {}, false],
  ["on the platform's own machines", { own: true }, true],
];

/** A chat model and an embedding model at one place. */
function at(change: Partial<ModelInfo>): FakeBackend {
  const models = [infoOf('m', change), infoOf('v', { ...change, kind: 'embedding' })];
  const backend = backendOf('a', models, [{ events: answerOf('good') }]);
  const count = backend.countTokens;
  backend.countTokens = (request, options) => {
    backend.asked.push(request.model);
    return count(request, options);
  };
  return backend;
}

const table = Object.keys(WAYS).flatMap((way) =>
  Object.keys(RULES).flatMap((rule) =>
    PLACES.map(([place, change, may]) => ({ way, rule, place, change, may })),
  ),
);

describe('a text that must stay in the EU', () => {
  it.each(table)('by the word of $rule: $way of a model $place', async ({ way, rule, change, may }) => {
    const backend = at(change);
    const { rules, call } = RULES[rule] ?? {};
    const { api } = gatewayIn(rules ?? {}, [backend], {});
    const asked = WAYS[way]?.(api, callOf(call));
    if (may) {
      await asked;
      return;
    }
    await expect(asked).rejects.toMatchObject({
      code: 'wrong_region',
      status: 421,
      param: 'model',
      message: expect.stringMatching(/must stay in eu.*Nothing was sent\. No model that is known is there/),
    });
    expect(backend.asked).toEqual([]);
  });

  it('is told which models it may go to', async () => {
    const backend = backendOf('a', [infoOf('m', { residency: 'us' }), infoOf('n', { residency: 'eu' })], []);
    const { api } = gatewayIn({ default: ['eu'] }, [backend], {});
    const { error } = await outcomeOf(api.generate(requestFor('m'), callOf()));
    expect(error?.message).toMatch(/'m' processes texts is us.*Name one that is there: n\./);
  });

  it("is told where the platform's own models are", async () => {
    const { api } = gatewayIn({ default: ['us'] }, [backendOf('a', [infoOf('m', { own: true })], [])], {});
    const { error } = await outcomeOf(api.generate(requestFor('m'), callOf()));
    expect(error?.message).toMatch(/'m' processes texts is eu, .*must stay in us/);
  });

  it('goes to those servers of a model alone that are there', async () => {
    const servers = (['us', 'eu', undefined] as const).map((residency, index) =>
      backendOf('a', [infoOf('m', residency && { residency })], [{ events: answerOf(String(index)) }]),
    );
    const { api } = gatewayIn({ default: ['eu'] }, servers, {});
    for (let time = 0; time < 10; time++)
      expect((await outcomeOf(api.generate(requestFor('m'), callOf()))).text).toBe('1');
  });

  it.each(['generate', 'embed'] as const)(
    'stays where a model fails that others stand in for: %s',
    async (way) => {
      const failing = { fails: new PlatformError('upstream_failed', 'down', { retryable: false }) };
      const kind = way === 'embed' ? 'embedding' : 'chat';
      const of = (id: string, residency: Residency) => infoOf(id, { residency, kind });
      const backend = backendOf('a', [of('m', 'eu'), of('us', 'us'), of('eu', 'eu')], [failing]);
      const { api } = gatewayIn({ default: ['eu'] }, [backend], { fallbacks: { m: ['us', 'eu'] } });
      await expect(
        way === 'embed'
          ? api.embed({ model: 'm', input: 'hi' }, callOf())
          : outcomeOf(api.generate(requestFor('m'), callOf())).then(({ error }) => Promise.reject(error)),
      ).rejects.toMatchObject({ code: 'upstream_failed' });
      expect(backend.asked).toEqual(['m', 'eu']);
    },
  );

  it('stays where its model is slow and another one is asked beside it', async () => {
    const slow = backendOf('a', [infoOf('slow', { residency: 'eu' })], []);
    slow.generate = async function* () {
      yield* answerOf('').slice(0, 1);
      await new Promise((done) => setTimeout(done, 100));
      yield* answerOf('slow').slice(1);
    };
    const fast = backendOf('b', [infoOf('fast', { residency: 'us' })], [{ events: answerOf('fast') }]);
    const alias = { candidates: [{ model: 'slow' }, { model: 'fast' }], strategy: 'order' as const };
    const { api } = gatewayIn({ default: ['eu'] }, [slow, fast], {
      aliases: { both: { ...alias, hedge: { after_ms: 1 } } },
    });
    const { text } = await outcomeOf(api.generate({ ...requestFor('both'), stream: true }, callOf()));
    expect([text, fast.asked]).toEqual(['slow', []]);
  });

  it('stays when its stream breaks off', async () => {
    const breaks = new PlatformError('upstream_interrupted', 'broken off');
    const first = backendOf(
      'a',
      [infoOf('m', { residency: 'eu' })],
      [{ events: answerOf('half').slice(0, 2), fails: breaks }],
    );
    const other = backendOf('b', [infoOf('n', { residency: 'us' })], [{ events: answerOf('other') }]);
    const { api } = gatewayIn({ default: ['eu'] }, [first, other], { fallbacks: { m: ['n'] } });
    const { error } = await outcomeOf(
      api.generate(
        { ...requestFor('m'), stream: true },
        callOf({ on_interrupt: 'resume', deadline_ms: Date.now() + 400 }),
      ),
    );
    expect([error?.code, other.asked]).toEqual(['upstream_interrupted', []]);
  });
});
