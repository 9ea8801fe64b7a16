import type { Answer } from '@mcp/testkit';
import { expect } from 'vitest';
import type { Surface } from './surface.ts';

export type Send = (surface: Surface) => Promise<Response | Answer>;

/** A request that must be refused: with which status, in which words. */
export type Row = readonly [name: string, send: Send, status: number, message: RegExp];

/** A row for each of the values that fields must not have. */
export function refusals(
  of: (change: Record<string, unknown>) => Send,
  table: readonly (readonly [field: string, values: readonly unknown[]])[],
): Row[] {
  return table.flatMap(([field, values]) =>
    values.map(
      (value): Row => [
        `${field}: ${JSON.stringify(value)}`,
        of({ [field]: value }),
        400,
        new RegExp(`^${field}: must `),
      ],
    ),
  );
}

/** Rows by the route that they are for, as its app names it: `GET /v1/jobs/:id`. */
export type Table = Readonly<Record<string, readonly Row[]>>;

/** Posts a value as JSON; text and bytes as they are. */
export const post =
  (path: string, body: unknown, headers: Record<string, string> = {}): Send =>
  ({ ask }) =>
    ask(path, {
      method: 'POST',
      body:
        typeof body === 'string' || body instanceof Uint8Array
          ? (body as string)
          : (JSON.stringify(body) ?? ''),
      headers: { 'content-type': 'application/json', ...headers },
    });

export const get =
  (path: string, headers: Record<string, string> = {}): Send =>
  ({ ask }) =>
    ask(path, { headers });

export const UNKNOWN_ID = '00000000-0000-4000-8000-000000000000';

const OPENAI = /^\/v1\/(chat\/completions|completions|embeddings|models|moderations|responses)(\/|$)/;
const ANTHROPIC = /^\/v1\/messages(\/|$)/;
const INSIDE = /node_modules|node:internal|\.ts:\d|TypeError|ReferenceError|\bat \w+ \(/;

/** What the answer says, in any error shape. */
function says(body: string): string {
  const value: { detail?: string; error?: { message?: string } } = body.startsWith('{')
    ? JSON.parse(body)
    : {};
  return value.error?.message ?? value.detail ?? body;
}

/** Whether a refusal has the shape of its path, and tells nothing of the inside. */
export function expectShape(path: string, { status, text }: { status: number; text: string }): void {
  expect(text).not.toMatch(INSIDE);
  // C2SP tlog-witness refuses in plain text.
  if (path === '/v1/witness/add-checkpoint' && !text.startsWith('{')) return;
  const body: unknown = JSON.parse(text);
  if (OPENAI.test(path))
    expect(body).toMatchObject({ error: { message: expect.stringMatching(/./), type: expect.any(String) } });
  else if (ANTHROPIC.test(path))
    expect(body).toEqual({
      type: 'error',
      error: {
        message: expect.stringMatching(/./),
        type: expect.stringMatching(/_error$|^request_too_large$/),
      },
    });
  else
    expect(body).toMatchObject({
      status,
      type: expect.stringMatching(/^urn:mcp:error:/),
      detail: expect.stringMatching(/./),
    });
}

/** Sends it, and holds the answer to what the row says. */
export async function check(surface: Surface, [, send, status, rule]: Row): Promise<void> {
  const answer = await send(surface);
  const text = answer instanceof Response ? await answer.text() : answer.body;
  expect({ status: answer.status, says: says(text) }).toEqual({ status, says: expect.stringMatching(rule) });
  const path = answer instanceof Response ? new URL(answer.url).pathname : '';
  expectShape(path, { status, text });
}
