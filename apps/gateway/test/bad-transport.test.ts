import { randomBytes } from 'node:crypto';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { type Harness, startGateway } from './harness.ts';
import { untilClosed as closing, head, raw } from './raw.ts';
import { check, type Row } from './refusals.ts';

let g: Harness;
beforeAll(async () => {
  g = await startGateway({
    env: { MCP_MAX_BODY_BYTES: String(512 * 1024) },
    limits: { headers_ms: 300, request_ms: 600 },
  });
});
afterAll(() => g.close());

const bearer = () => `Authorization: Bearer ${g.admin}`;
const get = (path: string) => () => g.ask(path);
const send =
  (...pieces: (string | Buffer)[]) =>
  () =>
    raw(g.port, pieces);
const untilClosed = (pieces: readonly string[], how?: { end: boolean }) => closing(g.port, pieces, how);
const chatHead = (...lines: string[]) =>
  head('POST /chat HTTP/1.1', [bearer(), 'Content-Type: application/json', ...lines]);

const transport: Row[] = [
  ['no Host', send('GET /healthz HTTP/1.1\r\n\r\n'), 400, /Missing host header/],
  ['a Host with spaces', send('GET /healthz HTTP/1.1\r\nHost: a b\r\n\r\n'), 400, /cannot be read/],
  ['a backslash in the path', send(head('GET /a\\b HTTP/1.1')), 400, /Backslash|cannot be read/],
  ['garbage', send('\u0000\u0001\u0002 nonsense\r\n\r\n'), 400, /not an HTTP\/1\.1 request/],
  [
    'TLS on a plain port',
    send(Buffer.from('16030100c8010000c40303', 'hex')),
    400,
    /not an HTTP\/1\.1 request/,
  ],
  ['an unknown method', send(head('FROB / HTTP/1.1')), 400, /not an HTTP\/1\.1 request/],
  ['TRACE', send(head('TRACE /chat HTTP/1.1')), 405, /TRACE is not offered/],
  ['HTTP/3.7', send(head('GET / HTTP/3.7')), 400, /not an HTTP\/1\.1 request/],
  ['a header without colon', send(head('GET / HTTP/1.1', ['nonsense'])), 400, /not an HTTP\/1\.1 request/],
  ['a space before the colon', send(head('GET / HTTP/1.1', ['x-a : b'])), 400, /not an HTTP\/1\.1 request/],
  ['a null in a header', send(head('GET / HTTP/1.1', ['x-a: b\u0000c'])), 400, /not an HTTP\/1\.1 request/],
  [
    '150 headers',
    send(
      head(
        'GET /healthz HTTP/1.1',
        Array.from({ length: 150 }, (_, i) => `x-${i}: 1`),
      ),
    ),
    431,
    /more than 100 header fields/,
  ],
  [
    '20 KB of headers',
    send(head('GET /healthz HTTP/1.1', [`x-a: ${'a'.repeat(20_000)}`])),
    431,
    /larger than 16384 bytes/,
  ],
  ['an address of 20 KB', send(head(`GET /${'a'.repeat(20_000)} HTTP/1.1`)), 431, /larger than 16384 bytes/],
  [
    'two lengths',
    () => raw(g.port, [chatHead('Content-Length: 5', 'Content-Length: 6'), '{"a":1']),
    400,
    /not an HTTP\/1\.1 request/,
  ],
  [
    'a length and chunks (smuggling)',
    () => raw(g.port, [chatHead('Content-Length: 5', 'Transfer-Encoding: chunked'), '0\r\n\r\n']),
    400,
    /not an HTTP\/1\.1 request/,
  ],
  [
    'a negative length',
    () => raw(g.port, [chatHead('Content-Length: -1')]),
    400,
    /not an HTTP\/1\.1 request/,
  ],
  [
    'a chunk size that is none',
    () => raw(g.port, [chatHead('Transfer-Encoding: chunked'), 'zz\r\n']),
    400,
    /not an HTTP\/1\.1 request/,
  ],
  [
    'chunks beyond the bound',
    () =>
      raw(
        g.port,
        [chatHead('Transfer-Encoding: chunked'), ...Array(5).fill(`20000\r\n${'x'.repeat(0x20000)}\r\n`)],
        5,
      ),
    413,
    /larger than 524288 bytes/,
  ],
  [
    'slow headers',
    () => raw(g.port, ['GET /healthz HTTP/1.1\r\n', 'x-a: 1\r\n', 'x-b: 1\r\n'], 150),
    408,
    /did not arrive in full/,
  ],
  [
    'a slow body',
    () => raw(g.port, [chatHead('Content-Length: 50'), '{"mess', 'age"', ':'], 150),
    408,
    /did not arrive in full/,
  ],
  ['an expectation', send(head('GET /healthz HTTP/1.1', ['Expect: wonders'])), 400, /only 100-continue/],
];

const upgrade = (path: string, lines: readonly string[]) => () =>
  raw(g.port, [head(`GET ${path} HTTP/1.1`, ['Connection: Upgrade', 'Upgrade: websocket', ...lines])]);
const WS = ['Sec-WebSocket-Version: 13', `Sec-WebSocket-Key: ${randomBytes(16).toString('base64')}`];

const handshakes: Row[] = [
  ['a socket without credential', upgrade('/ws', WS), 401, /No credential/],
  [
    'a socket with a wrong key',
    upgrade('/ws', [...WS, 'Sec-WebSocket-Protocol: mcp, mcp-key.nope']),
    401,
    /not known/,
  ],
  [
    'a socket with an empty key',
    upgrade('/ws', [...WS, 'Sec-WebSocket-Protocol: mcp, mcp-key.']),
    401,
    /empty/,
  ],
  [
    'version 8',
    () => upgrade('/ws', [bearer(), 'Sec-WebSocket-Version: 8', WS[1] ?? ''])(),
    400,
    /must be 13 \(got 8\)/,
  ],
  ['no version', () => upgrade('/ws', [bearer(), WS[1] ?? ''])(), 400, /must be 13 \(got none\)/],
  ['no socket key', () => upgrade('/ws', [bearer(), WS[0] ?? ''])(), 400, /sec-websocket-key/],
  [
    'another subprotocol',
    () => upgrade('/ws', [...WS, bearer(), 'Sec-WebSocket-Protocol: graphql-ws'])(),
    400,
    /offer mcp/,
  ],
  ['an upgrade elsewhere', () => upgrade('/chat', [...WS, bearer()])(), 405, /GET is not offered/],
  ['an upgrade nowhere', () => upgrade('/sockets', [...WS, bearer()])(), 404, /nothing at GET \/sockets/],
  [
    'h2c',
    () => raw(g.port, [head('GET /v2 HTTP/1.1', ['Connection: Upgrade', 'Upgrade: h2c'])]),
    404,
    /nothing at/,
  ],
  ['no upgrade at all', get('/ws'), 400, /WebSocket address/],
];

describe.each<[string, Row[]]>([
  ['transport', transport],
  ['handshakes', handshakes],
])('refuses in words: %s', (_group, rows) => {
  test.each(rows)('%s', async (...row) => check(row));
});

describe('does not hold a connection open', () => {
  const CUT = ['Content-Length: 1000', 'Content-Type: application/json'];
  test.each<[string, string, number]>([
    ['GET /healthz', 'GET /healthz HTTP/1.1', 200],
    ['GET /v1/models', 'GET /v1/models HTTP/1.1', 200],
    ['HEAD /v1/models', 'HEAD /v1/models HTTP/1.1', 200],
    ['GET /ws without upgrade', 'GET /ws HTTP/1.1', 400],
    ['a path that is not there', 'POST /nope HTTP/1.1', 404],
    ['another method', 'PUT /chat HTTP/1.1', 405],
  ])('for the rest of a body that %s does not wait for', async (_name, start, status) => {
    const answers = await untilClosed([head(start, [bearer(), ...CUT]), '{"message"']);
    expect(answers).toEqual([status]);
  });

  test.each<[string, readonly string[], number]>([
    ['that is needed', CUT, 400],
    ['that was refused', [...CUT, 'Content-Encoding: gzip'], 415],
    ['beyond its bound', ['Content-Length: 9000000', 'Content-Type: application/json'], 413],
  ])(
    'for the rest of a body %s when the client has ended, nor answers twice',
    async (_name, lines, status) => {
      const pieces = [head('POST /chat HTTP/1.1', [bearer(), ...lines]), '{"message"'];
      expect(await untilClosed(pieces, { end: true })).toEqual([status]);
    },
  );
});

test('is as well as before', async () => {
  expect((await g.ask('/v1/models')).status).toBe(200);
});
