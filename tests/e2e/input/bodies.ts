import { post, type Row, type Table, UNKNOWN_ID } from './case.ts';
import { SAMPLES } from './routes.ts';

type Path = readonly (string | number)[];

const nested = (depth: number) => `${'['.repeat(depth)}${']'.repeat(depth)}`;

function forms(path: string, body: Readonly<Record<string, unknown>>): Row[] {
  const bad = (name: string, text: string | Uint8Array, rule: RegExp): Row => [
    name,
    post(path, text),
    400,
    rule,
  ];
  const typed = (name: string, headers: Record<string, string>, rule: RegExp): Row => [
    name,
    post(path, body, headers),
    415,
    rule,
  ];
  const text = JSON.stringify(body);
  return [
    bad('an empty body', '', /body is empty/),
    bad('a body of spaces', ' \n\t ', /body is empty/),
    bad('half an object', text.slice(0, -2), /not valid JSON/),
    bad('two objects', `${text}${text}`, /not valid JSON/),
    bad('a trailing comma', text.replace(/}$/, ',}'), /not valid JSON/),
    bad('single quotes', text.replaceAll('"', "'"), /not valid JSON/),
    bad('a null character before it', `\u0000${text}`, /not valid JSON/),
    bad('NaN', text.replace(/}$/, ',"x":NaN}'), /not valid JSON/),
    bad('-Infinity', text.replace(/}$/, ',"x":-Infinity}'), /not valid JSON/),
    bad('a number that is none any more', text.replace(/}$/, ',"x":[1e999]}'), /x\.0: .*beyond what/),
    bad('a number of 400 digits', text.replace(/}$/, `,"x":-${'9'.repeat(400)}}`), /x: .*beyond what/),
    bad('a list', '[]', /body: must be an object/),
    bad('null', 'null', /body: must be an object/),
    bad('a text', '"a"', /body: must be an object/),
    bad('a number', '7', /body: must be an object/),
    bad('65 levels', nested(65), /deeper than 64 levels/),
    bad('100,000 levels', nested(100_000), /deeper than 64 levels/),
    bad('bytes that are not UTF-8', Buffer.from('7b22ff22', 'hex'), /not valid UTF-8/),
    bad('an overlong UTF-8 form', Buffer.from('22c0af22', 'hex'), /not valid UTF-8/),
    bad('UTF-16', Buffer.from(`${text} ü`, 'utf16le'), /not valid (UTF-8|JSON)/),
    bad('half of a character as a name', text.replace(/}$/, ',"\\ud800":1}'), /half of a surrogate pair/),
    [
      'a body beyond its bound',
      post(path, 'x'.repeat(4 * 1024 * 1024 + 1)),
      413,
      /larger than 4194304 bytes/,
    ],
    typed('plain text', { 'content-type': 'text/plain' }, /application\/json/),
    typed('a form', { 'content-type': 'application/x-www-form-urlencoded' }, /application\/json/),
    typed('a multipart form', { 'content-type': 'multipart/form-data; boundary=-' }, /application\/json/),
    typed('another charset', { 'content-type': 'application/json; charset=utf-16' }, /in UTF-8/),
    typed('gzip', { 'content-encoding': 'gzip' }, /without content-encoding/),
  ];
}

/** Objects of any content: what they hold is not looked at by name. */
const FREE =
  /^(metadata|logit_bias)$|(schema|format)\.schema|parameters|input_schema|\.input$|^\d|messages\.\d\.(content|tool_calls)\.\d(\.function)?$/;
/** Fields that one may also leave out by null, so that only what has another type is wrong. */
const isText = (value: unknown): value is string => typeof value === 'string';

function fields(path: string, body: Readonly<Record<string, unknown>>): Row[] {
  // Any object is a log to be checked.
  if (path === '/v1/verify') return texts(path, body);
  return [...types(path, body), ...texts(path, body), ...unknowns(path, body)];
}

/** Every value with another type. */
function types(path: string, body: Readonly<Record<string, unknown>>): Row[] {
  return walk(body).flatMap(({ at, value }): Row[] => {
    if (at.length === 0) return [];
    const wrong = isText(value) || typeof value === 'object' ? 7 : 'seven';
    return [
      [
        `${at.join('.')} of another type`,
        post(path, changed(body, at, wrong)),
        400,
        new RegExp(`^${String(at[0])}`),
      ],
    ];
  });
}

/** Every text with half of a character at its end. */
function texts(path: string, body: Readonly<Record<string, unknown>>): Row[] {
  return walk(body).flatMap(({ at, value }): Row[] =>
    isText(value)
      ? [
          [
            `${at.join('.')} with half of a character`,
            post(path, changed(body, at, `${value}\ud83d`)),
            400,
            new RegExp(`^${at.join('\\.')}: has half of a surrogate pair`),
          ],
        ]
      : [],
  );
}

/** Every object with a field that it does not know, and with those that every object has. */
function unknowns(path: string, body: Readonly<Record<string, unknown>>): Row[] {
  return walk(body).flatMap(({ at, value }): Row[] => {
    if (typeof value !== 'object' || value === null || Array.isArray(value)) return [];
    if (FREE.test(at.join('.'))) return [];
    return ['frobnicate', 'constructor', '__proto__'].map((name) => [
      `${name} in ${at.join('.') || 'the body'}`,
      post(path, changed(body, at, { ...value, its_name: 1 }).replace('its_name', name)),
      400,
      new RegExp(`Unrecognized request argument '${name}'`),
    ]);
  });
}

/** A value and all that it holds, with where it is. */
function walk(value: unknown, at: Path = []): { at: Path; value: unknown }[] {
  const inner = typeof value === 'object' && value !== null ? Object.entries(value) : [];
  return [
    { at, value },
    ...inner.flatMap(([key, item]) => walk(item, [...at, Array.isArray(value) ? Number(key) : key])),
  ];
}

/** The body as JSON with one value in it replaced. */
function changed(body: unknown, at: Path, value: unknown): string {
  const copy = structuredClone({ body });
  let place: Record<string | number, unknown> = copy;
  for (const [i, key] of ['body', ...at].entries()) {
    if (i === at.length) place[key] = value;
    else place = place[key] as Record<string | number, unknown>;
  }
  return JSON.stringify(copy.body);
}

/** What is wrong with any JSON body, at every route that takes one: in form, and in each of its fields. */
export const bodies: Table = Object.fromEntries(
  Object.entries(SAMPLES).flatMap(([route, { path, body, uuid }]) => {
    if (body === undefined) return [];
    // One with an id in it is asked for what is not there: its body is looked at first.
    const to = route.slice(route.indexOf(' ') + 1).replace(':id', uuid ? UNKNOWN_ID : 'chatcmpl-0');
    return path === undefined ? [] : [[route, [...forms(to, body), ...fields(to, body)]]];
  }),
);
