import { get, type Row, type Send, type Table, UNKNOWN_ID } from './case.ts';
import { SAMPLES, type Sample } from './routes.ts';
import type { Surface } from './surface.ts';

const OTHER_METHODS = ['PUT', 'PATCH', 'DELETE', 'POST', 'GET'];

const methodOf = (route: string) => route.slice(0, route.indexOf(' '));
const patternOf = (route: string) => route.slice(route.indexOf(' ') + 1);

/** The request of a sample, with one thing changed. */
function like(
  route: string,
  sample: Sample,
  change: {
    path?: (path: string) => string;
    headers?: (surface: Surface) => Record<string, string>;
    method?: string;
    body?: string;
  },
): Send {
  return (surface) => {
    const path = (change.path ?? ((same) => same))(sample.path(surface));
    const method = change.method ?? methodOf(route);
    const body = change.body ?? (sample.body === undefined ? undefined : JSON.stringify(sample.body));
    return surface.ask(path, {
      method,
      headers: change.headers?.(surface) ?? {},
      ...(body === undefined || ['GET', 'HEAD'].includes(method) ? {} : { body }),
    });
  };
}

function addresses(route: string, sample: Sample): Row[] {
  const taken = new Set(
    Object.keys(SAMPLES).flatMap((other) => (patternOf(other) === patternOf(route) ? [methodOf(other)] : [])),
  );
  const method = OTHER_METHODS.find((one) => !taken.has(one)) ?? 'PATCH';
  return [
    [
      `${method} instead`,
      like(route, sample, { method }),
      405,
      new RegExp(`${method} is not offered at .*Use .*${methodOf(route)}`),
    ],
    [
      'an address beyond its bound',
      like(route, sample, { path: (path) => `${path}?q=${'a'.repeat(9000)}` }),
      414,
      /longer than 8192/,
    ],
  ];
}

function access(route: string, sample: Sample, scope: string): Row[] {
  const lesser = (s: Surface) => (scope === 'chat' ? s.keys.jobs : s.keys.chat);
  return [
    [
      'no credential',
      async (s) => fetch(`${s.url}${sample.path(s)}`, { method: methodOf(route) }),
      401,
      /No credential was given/,
    ],
    [
      'an unknown key',
      like(route, sample, { headers: () => ({ 'x-api-key': `mcp_${'a'.repeat(43)}` }) }),
      401,
      /not known here/,
    ],
    [
      `a key without the scope ${scope}`,
      like(route, sample, { headers: (s) => ({ 'x-api-key': lesser(s) }) }),
      403,
      new RegExp(`scope ${scope}`),
    ],
    [
      'a key that says of itself who it is',
      like(route, sample, {
        headers: (s) => ({
          'x-api-key': lesser(s),
          'x-mcp-principal': '{"id":"root","kind":"service","name":"core","scopes":["admin"]}',
          'x-mcp-grant': 'admin',
          'x-mcp-scopes': 'admin',
        }),
      }),
      403,
      new RegExp(`scope ${scope}`),
    ],
    [
      'an unknown residency',
      like(route, sample, { headers: () => ({ 'x-mcp-residency': 'moon' }) }),
      400,
      /x-mcp-residency: must be /,
    ],
  ];
}

function parameters(route: string, sample: Sample): Row[] {
  const at = (name: string, query: string, rule: RegExp): Row => [
    name,
    like(route, sample, { path: (path) => `${path}?${query}` }),
    400,
    rule,
  ];
  const headers = (header: string, values: readonly string[], rule: RegExp): Row[] =>
    patternOf(route) === '/ws'
      ? []
      : values.map((value) => [
          `${header}: ${value}`,
          like(route, sample, { headers: () => ({ [header]: value }) }),
          400,
          rule,
        ]);
  return [
    at('an unknown parameter', 'colour=red', /query parameter 'colour'/),
    at('__proto__ as a parameter', '__proto__=1', /query parameter '__proto__'/),
    at('a broken escape as a parameter', '%zz=%', /query parameter '%zz'/),
    ...headers('x-mcp-timeout-ms', ['soon', '1e3'], /whole milliseconds from 1 to/),
    ...headers('x-mcp-class', ['urgent', 'constructor'], /interactive or batch/),
  ];
}

/** A body for a route that takes none. */
function bodies(route: string, sample: Sample): Row[] {
  if (methodOf(route) === 'GET') return [];
  return [
    ['fields where none belong', '{"force":true}', 400, /Unrecognized request argument 'force'/] as const,
    ['no JSON where no body belongs', '{"force":', 400, /not valid JSON/] as const,
    ['a list where no body belongs', '[1]', 400, /body: must be an object/] as const,
    ['a large body where none belongs', JSON.stringify('x'.repeat(100_000)), 413, /larger than/] as const,
  ].map(([name, body, status, rule]): Row => [name, like(route, sample, { body }), status, rule]);
}

const BAD_IDS: readonly [name: string, id: string, status: number, rule: RegExp][] = [
  ['a number as id', '42', 400, /must be a UUID \(got 42\)/],
  ['constructor as id', 'constructor', 400, /must be a UUID \(got constructor\)/],
  ['__proto__ as id', '__proto__', 400, /must be a UUID \(got __proto__\)/],
  ['an id that is not UTF-8', '%ff%fe', 400, /must be a UUID/],
  ['half of a character as id', '%ED%A0%80', 400, /must be a UUID/],
  ['a null character as id', '%00', 400, /must be a UUID/],
  ['an id that goes on', `${UNKNOWN_ID}%0a`, 400, /must be a UUID/],
  ['an id in braces', `%7b${UNKNOWN_ID}%7d`, 400, /must be a UUID/],
  ['an id of 2,000 letters', 'a'.repeat(2000), 400, /must be a UUID \(got a{60}\)/],
  ['a way out as id', '..%2f..%2fadmin', 400, /must be a UUID/],
  ['an unknown id', UNKNOWN_ID, 404, /no (conversation|job|key|audit bundle|legal hold)/],
];

function ids(route: string, { body }: Sample): Row[] {
  return BAD_IDS.map(([name, id, status, rule]) => [
    name,
    async ({ ask }) =>
      ask(patternOf(route).replace(':id', id), {
        method: methodOf(route),
        ...(body && { body: JSON.stringify(body), headers: { 'content-type': 'application/json' } }),
      }),
    status,
    rule,
  ]);
}

/** What is wrong anywhere, at every route. */
export const everywhere: Table = Object.fromEntries(
  Object.entries(SAMPLES).map(([route, sample]) => [
    route,
    [
      ...addresses(route, sample),
      ...(sample.scope === undefined ? [] : access(route, sample, sample.scope)),
      ...(sample.scope === undefined ? [] : parameters(route, sample)),
      ...(sample.scope === undefined || sample.body !== undefined || sample.any_body
        ? []
        : bodies(route, sample)),
      ...(sample.uuid === true ? ids(route, sample) : []),
    ],
  ]),
);

const LIMITS = ['many', '0', '-1', '1.5', '201', '1e2', '0x10', '%205', '', 'NaN', 'Infinity', '99999999999'];

/** Query strings of the routes that have some. */
export const queries: Table = Object.fromEntries(
  ['/v1/conversations', '/v1/jobs'].map((path) => [
    `GET ${path}`,
    [
      ...LIMITS.map(
        (limit): Row => [
          `a limit of ${limit || 'nothing'}`,
          get(`${path}?limit=${limit}`),
          400,
          /limit: must be .*from 1 to 200/,
        ],
      ),
      ['a limit given twice', get(`${path}?limit=1&limit=2`), 400, /limit: is given twice/],
      [
        'a limit given twice, once in escapes',
        get(`${path}?limit=1&%6cimit=2`),
        400,
        /limit: is given twice/,
      ],
      ['a limit in other digits', get(`${path}?limit=%D9%A3`), 400, /limit: must be /],
      ['a limit that is not UTF-8', get(`${path}?limit=%ff`), 400, /limit: must be /],
      [
        'a parameter of every object',
        get(`${path}?constructor=1`),
        400,
        /parameter 'constructor'. There are/,
      ],
      ['a parameter in capitals', get(`${path}?LIMIT=5`), 400, /parameter 'LIMIT'/],
      ['a list as a parameter', get(`${path}?limit[]=5`), 400, /parameter 'limit\[\]'/],
    ],
  ]),
);

const cursor = (value: unknown) => Buffer.from(JSON.stringify(value)).toString('base64url');
const NOW = '2026-01-01T00:00:00.000Z';

export const lists: Table = {
  'GET /v1/conversations': [
    ...[
      ['no cursor at all', 'x'],
      ['an empty one', ''],
      ['a parameter of every object', '__proto__'],
      ['a null character', '%00'],
      ['a list that is too long', cursor([NOW, UNKNOWN_ID, 1])],
      ['a time that is none', cursor(['then', UNKNOWN_ID])],
      ['an id that is none', cursor([NOW, '1'])],
      ['an object', cursor({ updated_at: NOW, id: UNKNOWN_ID })],
      ['a statement', cursor([`${NOW}' OR 1=1 --`, UNKNOWN_ID])],
      ['another form of the same', `${cursor([NOW, UNKNOWN_ID])}%3D`],
    ].map(
      ([name, value]): Row => [
        `a cursor: ${name}`,
        get(`/v1/conversations?cursor=${value}`),
        400,
        /cursor: this is not a cursor of the list/,
      ],
    ),
    ['a cursor beyond its bound', get(`/v1/conversations?cursor=${'x'.repeat(201)}`), 400, /cursor: .*200/],
    ['a cursor given twice', get('/v1/conversations?cursor=a&cursor=a'), 400, /cursor: is given twice/],
    ['a status, which only jobs have', get('/v1/conversations?status=running'), 400, /parameter 'status'/],
  ],
  'GET /v1/jobs': [
    ...['lost', '', 'QUEUED', 'constructor', 'queued,dead', '%00'].map(
      (status): Row => [
        `the status ${status || 'of nothing'}`,
        get(`/v1/jobs?status=${status}`),
        400,
        /status: must be "queued", .*or "dead"/,
      ],
    ),
    ['a status given twice', get('/v1/jobs?status=dead&status=dead'), 400, /status: is given twice/],
    ['a cursor, which only conversations have', get('/v1/jobs?cursor=x'), 400, /parameter 'cursor'/],
  ],
};
