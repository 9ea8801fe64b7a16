/** The texts in a request's body, whatever format it has. A field that nobody has heard of counts as text. */

/** Where a text stands, as `messages.0.content`, and whether it is JSON, which has to stay JSON. */
export interface TextPlace {
  readonly at: string;
  readonly json: boolean;
}

type Each = (text: string, place: TextPlace) => string;

/** Words of the format, and what is no text: ids, signatures, pictures. */
const STRUCTURE: ReadonlySet<string> = new Set([
  '$ref',
  'call_id',
  'data',
  'encrypted_content',
  'id',
  'kind',
  'model',
  'name',
  'pattern',
  'previous_response_id',
  'role',
  'signature',
  'tool_call_id',
  'tool_use_id',
  'type',
  'url',
]);
/** The same, with all that is in them. */
const LEFT: ReadonlySet<string> = new Set(['conversation_ids', 'image_url', 'include', 'required']);
/** What was said stands last: what is before it has the same names when more has been said. */
const SAID: ReadonlySet<string> = new Set(['messages', 'input']);

/** The same body with each of its texts as `each` returns it. */
export function mapTexts<T>(body: T, each: Each): T {
  return mapped(body, '', each) as T;
}

function mapped(value: unknown, at: string, each: Each): unknown {
  if (typeof value === 'string') return each(value, { at, json: isJson(value) });
  if (Array.isArray(value)) return value.map((item, i) => mapped(item, within(at, i), each));
  if (typeof value !== 'object' || value === null) return value;
  const out: Record<string, unknown> = { ...value };
  const keys = Object.keys(value);
  const ordered = at === '' ? keys.toSorted((a, b) => Number(SAID.has(a)) - Number(SAID.has(b))) : keys;
  for (const key of ordered) out[key] = field(value as Record<string, unknown>, key, { at, each });
  return out;
}

function field(
  of: Readonly<Record<string, unknown>>,
  key: string,
  { at, each }: { readonly at: string; readonly each: Each },
): unknown {
  const value = of[key];
  const { role, type } = of;
  const here = within(at, key);
  if (LEFT.has(key)) return value;
  if (typeof value === 'string') {
    if (key === 'name' && typeof role === 'string') return speaker(value, here, each);
    return STRUCTURE.has(key) ? value : mapped(value, here, each);
  }
  const data = key === 'metadata' || (key === 'input' && type === 'tool_use');
  if (!data || typeof value !== 'object' || value === null) return mapped(value, here, each);
  return JSON.parse(each(JSON.stringify(value), { at: here, json: true }));
}

/** The name of who speaks takes letters, digits, `_` and `-` only. */
function speaker(name: string, at: string, each: Each): string {
  const read = name.replace(/[_-]+/g, ' ');
  const out = each(read, { at, json: false });
  return out === read ? name : out.replace(/[^A-Za-z0-9]+/g, '_').replace(/^_|_$/g, '');
}

function within(at: string, key: string | number): string {
  return at === '' ? String(key) : `${at}.${key}`;
}

function isJson(text: string): boolean {
  if (!/^\s*[[{]/.test(text)) return false;
  try {
    JSON.parse(text);
    return true;
  } catch {
    return false;
  }
}
