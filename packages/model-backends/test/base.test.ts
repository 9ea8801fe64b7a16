/** What all backends are made of: signals, texts, lists of models, tables of features, settings. */
import { type ChatMessage, FEATURES, ModelAliases, PlatformError } from '@mcp/contracts';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { abortError, Closing, untilAborted } from '../src/abort.ts';
import { ignoredBy, supportOf } from '../src/features.ts';
import { ModelList } from '../src/model-list.ts';
import {
  BACKENDS,
  BackendList,
  BackendName,
  backendSettings,
  RemoteBackendList,
  RemoteBackendName,
} from '../src/registry.ts';
import { isCut, maxTokens, stops, textOf } from '../src/text.ts';
import { refusalOf, signal } from './support.ts';

const OURS = new PlatformError('deadline_exceeded', 'too late');

describe('the error of a signal', () => {
  it.each<[string, unknown, unknown, object]>([
    ['the reason of ours', OURS, new Error('socket closed'), OURS],
    [
      'cancelled, with what broke',
      new Error('left'),
      new Error('socket closed'),
      { code: 'cancelled', cause: new Error('socket closed') },
    ],
    [
      'cancelled, with the reason',
      new Error('left'),
      undefined,
      { code: 'cancelled', cause: new Error('left') },
    ],
  ])('is %s', (_, reason, cause, error) => {
    expect(abortError(AbortSignal.abort(reason), cause)).toMatchObject(error);
  });

  it('ends a wait, not the work, and leaves nothing listening', async () => {
    const work = Promise.withResolvers<string>();
    const abort = new AbortController();
    const added: unknown[] = [];
    const removed: unknown[] = [];
    const { addEventListener, removeEventListener } = abort.signal;
    abort.signal.addEventListener = (...args: Parameters<typeof addEventListener>) => {
      added.push(args[1]);
      addEventListener.apply(abort.signal, args);
    };
    abort.signal.removeEventListener = (...args: Parameters<typeof removeEventListener>) => {
      removed.push(args[1]);
      removeEventListener.apply(abort.signal, args);
    };
    const waiting = untilAborted(work.promise, abort.signal);
    const other = untilAborted(work.promise, signal());
    abort.abort(OURS);
    expect(await refusalOf(waiting)).toBe(OURS);
    work.resolve('done');
    expect(await other).toBe('done');
    expect(await refusalOf(untilAborted(work.promise, abort.signal))).toBe(OURS);
    expect(added).toHaveLength(1);
    expect(removed).toEqual(added);
  });

  it('gives the error of the work itself', async () => {
    await expect(untilAborted(Promise.reject(new Error('broke')), signal())).rejects.toThrow('broke');
  });

  it('comes from the caller or from the backend that is closed, whichever is first', () => {
    const ends = (first: 'caller' | 'backend') => {
      const closing = new Closing();
      const caller = new AbortController();
      const guarded = closing.guard({ signal: caller.signal, deadline_ms: 1, traceparent: undefined }).signal;
      expect(guarded.aborted).toBe(false);
      if (first === 'backend') closing.close('ollama');
      caller.abort(OURS);
      closing.close('ollama');
      return guarded.reason as unknown;
    };
    expect(ends('caller')).toBe(OURS);
    expect(ends('backend')).toMatchObject({
      code: 'unavailable',
      message: 'The backend ollama is being shut down.',
    });
  });
});

describe('what a request says', () => {
  it.each<[string, ChatMessage, string]>([
    ['a text', { role: 'user', content: 'a' }, 'a'],
    [
      'parts, without anything between them',
      {
        role: 'user',
        content: [
          { type: 'text', text: 'a' },
          { type: 'text', text: 'b' },
        ],
      },
      'ab',
    ],
    ['nothing', { role: 'assistant', content: null }, ''],
    ['no content', { role: 'assistant' }, ''],
    ['a refusal', { role: 'assistant', content: [{ type: 'refusal', refusal: 'no' }] }, 'no'],
  ])('in a message of %s', (_, message, text) => {
    expect(textOf(message)).toBe(text);
  });

  it.each([
    [{}, undefined],
    [{ max_tokens: null, max_completion_tokens: null }, undefined],
    [{ max_tokens: 5 }, 5],
    [{ max_tokens: 5, max_completion_tokens: null }, 5],
    [{ max_tokens: 5, max_completion_tokens: 3 }, 3],
  ])('of its limit: %j', (request, limit) => {
    expect(maxTokens(request)).toBe(limit);
  });

  it.each([
    [undefined, []],
    [null, []],
    ['', []],
    ['a', ['a']],
    [['', 'a', ''], ['a']],
  ])('of its stop strings: %j', (stop, list) => {
    expect(stops(stop)).toEqual(list);
  });

  it('tells an answer that was cut from one that never was JSON', () => {
    fc.assert(
      fc.property(
        fc.oneof(fc.dictionary(fc.string(), fc.jsonValue()), fc.array(fc.jsonValue())),
        fc.nat(),
        (value, at) => {
          const text = `\n ${JSON.stringify(value)}`;
          expect(isCut(text.slice(0, at % text.length))).toBe(true);
        },
      ),
    );
    for (const text of ['<html>', 'Bad gateway', 'null', '"a"', '5']) expect(isCut(text)).toBe(false);
  });
});

describe('a list of models', () => {
  const model = { id: 'm' } as never;

  it('is read once for all who ask at the same time, and none of them can end the reading', async () => {
    const reading = Promise.withResolvers<never[]>();
    let reads = 0;
    const list = new ModelList({
      name: 'It',
      ttl_ms: 1000,
      read: () => {
        reads++;
        return reading.promise;
      },
    });
    const abort = new AbortController();
    const left = list.get(abort.signal);
    const stayed = list.get(signal());
    abort.abort(OURS);
    expect(await refusalOf(left)).toBe(OURS);
    reading.resolve([model]);
    expect(await stayed).toEqual([model]);
    expect(await list.get(signal())).toEqual([model]);
    expect(reads).toBe(1);
  });

  it('says whose it is and when it is asked again, where it cannot be read', async () => {
    const list = new ModelList({
      name: 'It',
      ttl_ms: 60_000,
      read: () => Promise.reject(new Error('no route')),
    });
    expect(await refusalOf(list.get(signal()))).toMatchObject({
      code: 'unavailable',
      retry_after_ms: 1000,
      message: 'It does not tell its models. It is asked again in 1 s.',
      cause: new Error('no route'),
    });
  });
});

describe('the registry', () => {
  it.each(BackendName.options)('%s says of every feature what it makes of it, under its own name', (name) => {
    const { manifest } = BACKENDS[name];
    expect(manifest.name).toBe(name);
    for (const feature of FEATURES)
      expect(['yes', 'no effect', 'refused', 'passed on']).toContain(
        supportOf(manifest.features, feature).support,
      );
    const ignored = ignoredBy(manifest.features);
    expect(ignored).not.toContain('pictures');
    for (const feature of ignored) expect(supportOf(manifest.features, feature).support).toBe('no effect');
  });

  it('has no setting of two backends', () => {
    const all = BackendName.options.flatMap((name) => Object.keys(BACKENDS[name].manifest.settings));
    expect(Object.keys(backendSettings(BackendName.options)).sort()).toEqual([...new Set(all)].sort());
    expect(new Set(all).size).toBe(all.length);
  });

  it.each<[string, string[] | undefined]>([
    ['embedded', ['embedded']],
    ['openai, embedded', ['openai', 'embedded']],
    ['', undefined],
    ['embedded,nothing', undefined],
    ['Embedded', undefined],
  ])('reads the list %j', (text, names) => {
    expect(BackendList.safeParse(text).data).toEqual(names);
  });

  it('says what to declare instead to who asks for hybrid, and to nobody else', () => {
    const messages = (text: string) =>
      BackendList.safeParse(text).error?.issues.map(({ message }) => message);
    expect(messages('openai,hybrid')).toEqual([expect.stringMatching(/an alias.*MODEL_ALIASES=/)]);
    const [, json] = /MODEL_ALIASES='(.*)' \(/.exec(messages('hybrid')?.[0] ?? '') ?? [];
    expect(ModelAliases.parse(JSON.parse(json ?? ''))).toHaveProperty('hybrid');
    expect(messages('nothing')).toEqual([expect.stringMatching(/^Invalid option.*"vllm"/)]);
  });

  it('takes for elsewhere what runs elsewhere', () => {
    for (const name of BackendName.options)
      expect(RemoteBackendList.safeParse(name).success).toBe(BACKENDS[name].manifest.runs === 'elsewhere');
    expect(RemoteBackendName.options.length).toBeGreaterThan(1);
  });
});
