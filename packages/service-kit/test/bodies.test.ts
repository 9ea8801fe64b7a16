/** Bodies and query strings as the services read them: what is taken, what is refused, and at which bound. */
import fc from 'fast-check';
import type { Hono } from 'hono';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { z } from 'zod';
import {
  baseApp,
  type KitEnv,
  parseBody,
  parseJson,
  parseNestedQuery,
  parseQuery,
  refuseBody,
  type ServiceKit,
  uuidParam,
} from '../src/index.ts';
import { cleanUp, kitFor } from './support.ts';

const MAX = 1000;
let kit: ServiceKit;
let app: Hono<KitEnv>;
beforeAll(async () => {
  kit = await kitFor('core');
  app = baseApp({ kit, checks: {} });
  app.post('/any', async (c) => c.json({ read: await parseBody(c, z.unknown(), MAX) }));
  app.on(['GET', 'POST', 'DELETE'], '/none', async (c) => {
    await refuseBody(c);
    return c.text('ok');
  });
  app.get('/query', (c) =>
    c.json(parseQuery(c, z.object({ a: z.string().optional(), b: z.string().max(3).optional() }))),
  );
  const nested = z.object({
    limit: z.string().optional(),
    include: z.array(z.string()).optional(),
    metadata: z.record(z.string(), z.string()).optional(),
  });
  app.get('/nested', (c) => c.json(parseNestedQuery(c, nested)));
  app.get('/bare', (c) => c.json(parseQuery(c, z.object({}))));
  app.get('/things/:id', (c) => c.text(uuidParam(c, 'id')));
});
afterAll(async () => {
  await kit.close();
  cleanUp();
});

const post = (
  body: string | Uint8Array<ArrayBuffer>,
  headers: Record<string, string> = { 'content-type': 'application/json' },
  path = '/any',
) => app.request(path, { method: 'POST', body, headers });
async function codeOf(response: Response | Promise<Response>): Promise<string> {
  const answer = await response;
  if (answer.ok) return 'taken';
  return ((await answer.json()) as { code: string }).code;
}

describe('the type of a body', () => {
  it.each([
    ['application/json', 'taken'],
    ['APPLICATION/JSON', 'taken'],
    ['application/json; charset=utf-8', 'taken'],
    ['application/json;charset="UTF-8"', 'taken'],
    ['application/json; charset=us-ascii', 'taken'],
    ['application/problem+json', 'taken'],
    ['application/vnd.api+json; profile=x', 'taken'],
    ['application/json; charset=utf-16', 'unsupported_media_type'],
    ['application/json; charset=iso-8859-1', 'unsupported_media_type'],
    ['text/plain', 'unsupported_media_type'],
    ['text/json', 'unsupported_media_type'],
    ['application/jsonp', 'unsupported_media_type'],
    ['application/x-www-form-urlencoded', 'unsupported_media_type'],
    ['multipart/form-data; boundary=application/json', 'unsupported_media_type'],
    ['', 'unsupported_media_type'],
  ])('%s is %s', async (type, code) => {
    expect(await codeOf(post('{}', { 'content-type': type }))).toBe(code);
  });

  it.each(['gzip', 'br', 'deflate', 'identity, gzip'])('compressed as %s is refused', async (encoding) => {
    const headers = { 'content-type': 'application/json', 'content-encoding': encoding };
    expect(await codeOf(post('{}', headers))).toBe('unsupported_media_type');
    expect(await codeOf(post('{}', { ...headers, 'content-encoding': 'identity' }))).toBe('taken');
  });
});

describe('a body', () => {
  it('is taken up to its bound in bytes, whatever characters it has and however it is cut', async () => {
    const letter = fc.constantFrom('a', 'ü', '€', '💥');
    await fc.assert(
      fc.asyncProperty(
        letter,
        fc.integer({ min: MAX - 8, max: MAX + 8 }),
        fc.integer({ min: 1, max: 400 }),
        async (char, size, piece) => {
          const width = Buffer.byteLength(char);
          const text = JSON.stringify(char.repeat(Math.floor((size - 2) / width)));
          const bytes = new TextEncoder().encode(text);
          const cut = new ReadableStream<Uint8Array>({
            start(controller) {
              for (let at = 0; at < bytes.length; at += piece)
                controller.enqueue(bytes.slice(at, at + piece));
              controller.close();
            },
          });
          const expected = bytes.length <= MAX ? 'taken' : 'payload_too_large';
          expect(await codeOf(post(text))).toBe(expected);
          const request = new Request('http://x/any', {
            method: 'POST',
            body: cut,
            duplex: 'half',
          } as RequestInit);
          const streamed = await app.request(request);
          expect(await codeOf(streamed.clone())).toBe(expected);
          if (streamed.ok) expect(((await streamed.json()) as { read: unknown }).read).toBe(JSON.parse(text));
        },
      ),
      { numRuns: 40 },
    );
  });

  it('that says to be larger is refused before it is read', async () => {
    const headers = { 'content-type': 'application/json', 'content-length': String(MAX + 1) };
    expect(await codeOf(post('{}', headers))).toBe('payload_too_large');
  });

  it.each<[string, string | Uint8Array<ArrayBuffer>, string]>([
    ['nothing', '', 'invalid_json'],
    ['blanks', ' \n\t ', 'invalid_json'],
    ['half an object', '{"a":', 'invalid_json'],
    ['a comma too many', '[1,]', 'invalid_json'],
    ['two values', '{}{}', 'invalid_json'],
    ['bytes that are no UTF-8', new Uint8Array([0x22, 0xff, 0x22]), 'invalid_json'],
    ['a character cut off', new Uint8Array([0x22, 0xe2, 0x82, 0x22]), 'invalid_json'],
    ['a mark before it', new Uint8Array([0xef, 0xbb, 0xbf, 0x7b, 0x7d]), 'taken'],
    ['a zero', '0', 'taken'],
    ['null', 'null', 'taken'],
  ])('of %s', async (_, body, code) => {
    expect(await codeOf(post(body))).toBe(code);
  });
});

describe('JSON', () => {
  it('is what JSON.parse makes of it, unless it names a prototype', () => {
    const value = fc.jsonValue({ maxDepth: 6 });
    fc.assert(
      fc.property(value, fc.constantFrom(0, 2), (given, indent) => {
        const text = JSON.stringify(given, undefined, indent);
        if (text.includes('__proto__')) return;
        expect(parseJson(text)).toEqual(JSON.parse(text));
      }),
    );
  });

  it.each(['__proto__', '\\u005f_proto__', '__pro\\u0074o__', '\\u005F\\u005Fproto\\u005f_'])(
    'may not hide the name of a prototype as %s, however deep',
    (name) => {
      const hidden = fc.nat(5).map((depth) => `${'{"a":['.repeat(depth)}{"${name}":1}${']}'.repeat(depth)}`);
      fc.assert(
        fc.property(hidden, (text) => {
          expect(() => parseJson(text)).toThrow(/Unrecognized request argument '__proto__'/);
        }),
      );
    },
  );

  it('may say that name in a text, and have fields that objects inherit', () => {
    expect(parseJson('{"a":"__proto__","constructor":1,"toString":2}')).toEqual({
      a: '__proto__',
      constructor: 1,
      toString: 2,
    });
  });

  it.each(['1e999', '-1e999', '[1,{"a":1E+400}]', '9'.repeat(310)])('has no number such as %s', (text) => {
    expect(() => parseJson(text)).toThrow(/beyond what a double holds/);
  });

  it.each(['1e308', '-1.7976931348623157e308', '1e-999', '"1e999"'])(
    'has numbers and texts such as %s',
    (text) => {
      expect(parseJson(text)).toBe(JSON.parse(text));
    },
  );

  it('has whole characters alone: half of one is refused with its place', () => {
    const half = fc.integer({ min: 0xd800, max: 0xdfff }).map((code) => `\\u${code.toString(16)}`);
    fc.assert(
      fc.property(half, fc.boolean(), (small, upper) => {
        const text = upper ? small.toUpperCase().replace('\\U', '\\u') : small;
        expect(() => parseJson(`{"a":["x${text}y"]}`)).toThrow(/a\.0: has half of a surrogate pair/);
        expect(() => parseJson(`{"${text}":1}`)).toThrow(/half of a surrogate pair/);
      }),
    );
    expect(parseJson('"\\ud83d\\udca5"')).toBe('💥');
    expect(parseJson('"\\\\ud83d"')).toBe('\\ud83d');
  });
});

describe('where no body belongs', () => {
  const length = (text: string) => ({
    'content-length': String(text.length),
    'content-type': 'application/json',
  });
  it.each([
    ['', 'taken'],
    ['{}', 'taken'],
    [' {\n} ', 'taken'],
    ['{"a":1}', 'invalid_request'],
    ['[]', 'invalid_request'],
    ['null', 'invalid_request'],
    ['{', 'invalid_json'],
    [' '.repeat(1025), 'payload_too_large'],
  ])('%j is %s', async (text, code) => {
    expect(await codeOf(post(text, length(text), '/none'))).toBe(code);
  });

  it('GET has none at all, and is not waited for', async () => {
    expect(await codeOf(app.request('/none'))).toBe('taken');
    expect(await codeOf(app.request('/none', { headers: { 'content-length': '0' } }))).toBe('taken');
    expect(await codeOf(app.request('/none', { headers: { 'content-length': '2' } }))).toBe(
      'invalid_request',
    );
    expect(await codeOf(app.request('/none', { headers: { 'transfer-encoding': 'chunked' } }))).toBe(
      'invalid_request',
    );
  });
});

describe('a query string', () => {
  const query = async (text: string) => {
    const response = await app.request(text);
    return { status: response.status, body: (await response.json()) as { detail?: string } };
  };

  it('gives each parameter as it was sent', async () => {
    const value = fc.string({ maxLength: 30 });
    await fc.assert(
      fc.asyncProperty(value, async (a) => {
        const { body } = await query(`/query?${new URLSearchParams({ a: a.toWellFormed() })}`);
        expect(body).toEqual({ a: a.toWellFormed() });
      }),
      { numRuns: 50 },
    );
  });

  it.each([
    ['/query?c=1', "Unrecognized query parameter 'c'. There are: a, b."],
    ['/query?constructor=1', "Unrecognized query parameter 'constructor'"],
    ['/query?__proto__=1', "Unrecognized query parameter '__proto__'"],
    ['/query?a=1&a=2', 'a: is given twice in the query string. Give it once.'],
    ['/query?b=four', 'b: must have at most 3 characters (got "four").'],
    ['/bare?a=1', "Unrecognized query parameter 'a'. This address takes none."],
    ['/nested?include[a]=1&other[]=2', "Unrecognized query parameter 'other[]'"],
    ['/nested?metadata[a]=1&metadata[a]=2', 'metadata[a]: is given twice'],
    ['/nested?limit=1&limit=2', 'limit: is given twice'],
  ])('%s is refused: %s', async (path, detail) => {
    const { status, body } = await query(path);
    expect(status).toBe(400);
    expect(body.detail).toContain(detail);
  });

  it('gives lists and pairs as they were sent', async () => {
    const word = fc.stringMatching(/^[a-z]{1,6}$/);
    await fc.assert(
      fc.asyncProperty(
        fc.array(word, { minLength: 1, maxLength: 6 }),
        fc.dictionary(word, word, { minKeys: 1, maxKeys: 4 }),
        async (list, pairs) => {
          const params = [
            ...list.map((item) => `include[]=${item}`),
            ...Object.entries(pairs).map(([key, text]) => `metadata[${key}]=${text}`),
          ];
          expect((await query(`/nested?${params.join('&')}`)).body).toEqual({
            include: list,
            metadata: pairs,
          });
        },
      ),
      { numRuns: 50 },
    );
  });
});

it('a UUID in a path is one', async () => {
  const uuid = '6f1c2a9e-3a53-4b1b-9d0e-0c5a3a7a1f11';
  expect(await (await app.request(`/things/${uuid}`)).text()).toBe(uuid);
  await fc.assert(
    fc.asyncProperty(fc.stringMatching(/^[0-9a-f-]{1,40}$/), async (text) => {
      const response = await app.request(`/things/${text}`);
      expect(response.status).toBe(z.uuid().safeParse(text).success ? 200 : 400);
    }),
    { numRuns: 30 },
  );
});
