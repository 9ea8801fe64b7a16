import { randomBytes } from 'node:crypto';
import { head, raw } from '@mcp/testkit';
import { get, type Row, type Send, type Table } from './case.ts';
import type { Surface } from './surface.ts';

export const bearer = ({ shipped }: Surface): string => `Authorization: Bearer ${shipped.key}`;

const send =
  (...pieces: (string | Buffer)[]): Send =>
  ({ port }) =>
    raw(port, pieces);
/** A POST /chat of these headers and pieces of a body. */
const chat =
  (lines: readonly string[], ...pieces: string[]): Send =>
  (s) =>
    raw(s.port, [
      head('POST /chat HTTP/1.1', [bearer(s), 'Content-Type: application/json', ...lines]),
      ...pieces,
    ]);
const upgrade =
  (path: string, lines: readonly string[], { trusted = false } = {}): Send =>
  (s) =>
    raw(s.port, [
      head(`GET ${path} HTTP/1.1`, [
        'Connection: Upgrade',
        'Upgrade: websocket',
        ...(trusted ? [bearer(s)] : []),
        ...lines,
      ]),
    ]);

const NO_HTTP = /not an HTTP\/1\.1 request/;
const LARGE_CHUNK = `100000\r\n${'x'.repeat(0x100000)}\r\n`;

const heads: Row[] = [
  ['no Host', send('GET /healthz HTTP/1.1\r\n\r\n'), 400, /Missing host header/],
  ['a Host with spaces', send('GET /healthz HTTP/1.1\r\nHost: a b\r\n\r\n'), 400, /cannot be read/],
  ['a backslash in the path', send(head('GET /a\\b HTTP/1.1')), 400, /Backslash|cannot be read/],
  ['garbage', send('\u0000\u0001\u0002 nonsense\r\n\r\n'), 400, NO_HTTP],
  ['TLS on a plain port', send(Buffer.from('16030100c8010000c40303', 'hex')), 400, NO_HTTP],
  ['an unknown method', send(head('FROB / HTTP/1.1')), 400, NO_HTTP],
  ['TRACE', send(head('TRACE /chat HTTP/1.1')), 405, /TRACE is not offered/],
  ['HTTP/3.7', send(head('GET / HTTP/3.7')), 400, NO_HTTP],
  ['a header without colon', send(head('GET / HTTP/1.1', ['nonsense'])), 400, NO_HTTP],
  ['a space before the colon', send(head('GET / HTTP/1.1', ['x-a : b'])), 400, NO_HTTP],
  ['a null in a header', send(head('GET / HTTP/1.1', ['x-a: b\u0000c'])), 400, NO_HTTP],
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
    /16384 bytes/,
  ],
  ['an address of 20 KB', send(head(`GET /${'a'.repeat(20_000)} HTTP/1.1`)), 431, /16384 bytes/],
  ['an expectation', send(head('GET /healthz HTTP/1.1', ['Expect: wonders'])), 400, /only 100-continue/],
  ['h2c', send(head('GET /v2 HTTP/1.1', ['Connection: Upgrade', 'Upgrade: h2c'])), 404, /nothing at/],
];

const framing: Row[] = [
  ['two lengths', chat(['Content-Length: 5', 'Content-Length: 6'], '{"a":1'), 400, NO_HTTP],
  [
    'a length and chunks (smuggling)',
    chat(['Content-Length: 5', 'Transfer-Encoding: chunked'], '0\r\n\r\n'),
    400,
    NO_HTTP,
  ],
  ['a negative length', chat(['Content-Length: -1']), 400, NO_HTTP],
  ['a length that is no number', chat(['Content-Length: ten']), 400, NO_HTTP],
  ['a length beyond all bounds', chat(['Content-Length: 99999999999999999999']), 400, NO_HTTP],
  ['a length beyond its bound', chat(['Content-Length: 9000000']), 413, /larger than 4194304 bytes/],
  ['a chunk size that is none', chat(['Transfer-Encoding: chunked'], 'zz\r\n'), 400, NO_HTTP],
  ['an encoding that is none', chat(['Transfer-Encoding: wonders', 'Content-Length: 2'], '{}'), 400, NO_HTTP],
  [
    'chunks beyond the bound',
    chat(['Transfer-Encoding: chunked'], ...Array<string>(5).fill(LARGE_CHUNK)),
    413,
    /larger than 4194304 bytes/,
  ],
];

const WS = ['Sec-WebSocket-Version: 13', `Sec-WebSocket-Key: ${randomBytes(16).toString('base64')}`] as const;
const protocol = (value: string) => [...WS, `Sec-WebSocket-Protocol: ${value}`];

const handshakes: Row[] = [
  ['a socket without credential', upgrade('/ws', WS), 401, /No credential/],
  ['a socket with a wrong key', upgrade('/ws', protocol('mcp, mcp-key.nope')), 401, /not known/],
  ['a socket with an empty key', upgrade('/ws', protocol('mcp, mcp-key.')), 401, /empty/],
  [
    'version 8',
    upgrade('/ws', ['Sec-WebSocket-Version: 8', WS[1]], { trusted: true }),
    400,
    /must be 13 \(got 8\)/,
  ],
  ['no version', upgrade('/ws', [WS[1]], { trusted: true }), 400, /must be 13 \(got none\)/],
  ['no socket key', upgrade('/ws', [WS[0]], { trusted: true }), 400, /sec-websocket-key/],
  [
    'a socket key of another length',
    upgrade('/ws', [WS[0], 'Sec-WebSocket-Key: YQ=='], { trusted: true }),
    400,
    /must be 16 bytes in base64/,
  ],
  ['another subprotocol', upgrade('/ws', protocol('graphql-ws'), { trusted: true }), 400, /offer mcp/],
  ['a parameter', upgrade('/ws?key=a', WS, { trusted: true }), 400, /query parameter 'key'/],
  ['no upgrade at all', get('/ws'), 400, /WebSocket address/],
];

/** What is wrong before a route is found, and in the handshake of a WebSocket. */
export const transport: Table = {
  'GET /healthz': heads,
  'POST /chat': framing,
  'GET /ws': handshakes,
  nowhere: [
    ['an upgrade elsewhere', upgrade('/chat', WS, { trusted: true }), 405, /GET is not offered/],
    ['an upgrade nowhere', upgrade('/sockets', WS, { trusted: true }), 404, /nothing at GET \/sockets/],
  ],
};
