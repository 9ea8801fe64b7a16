import { expect } from 'vitest';
import type { Answer } from './raw.ts';

/** A request that must be refused: with which status, in which words. */
export type Row = [name: string, send: () => Promise<Response | Answer>, status: number, message: RegExp];

const OPENAI = /^\/v1\/(chat\/completions|embeddings|models)/;

/** What the answer says, in either error shape. */
function says(body: string): string {
  const value: { detail?: string; error?: { message?: string } } = body.startsWith('{')
    ? JSON.parse(body)
    : {};
  return value.error?.message ?? value.detail ?? body;
}

/** Sends it; the refusal must have the shape of its path and tell nothing of the inside. */
export async function check([, sendIt, status, rule]: Row): Promise<void> {
  const answer = await sendIt();
  const text = answer instanceof Response ? await answer.text() : answer.body;
  expect({ status: answer.status, says: says(text) }).toEqual({ status, says: expect.stringMatching(rule) });
  expect(text).not.toMatch(/node_modules|node:internal|\.ts:\d/);
  const body: unknown = JSON.parse(text);
  const path = answer instanceof Response ? new URL(answer.url).pathname : '';
  if (OPENAI.test(path)) expect(body).toHaveProperty('error.type');
  else expect(body).toMatchObject({ status, type: expect.stringMatching(/^urn:mcp:error:/) });
}
