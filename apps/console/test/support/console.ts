/** The whole console in a document, before a gateway that a test writes down as a table of answers; taken away after each test. */
import { h, options, render } from 'preact';
import { afterEach, vi } from 'vitest';
import { App } from '../../src/app.tsx';
import { conversation, model, summary } from './samples.ts';

interface Call {
  readonly name: string;
  readonly query: URLSearchParams;
  readonly body: unknown;
  readonly authorization: string | null;
}

type Answer = unknown | Response | ((call: Call) => unknown);
/** `GET /v1/models` → what is answered: a body, a response, or what a function makes of the call. */
export type Answers = Readonly<Record<string, Answer>>;

export const KEY = 'mcp_test-key';

const USUAL: Answers = {
  'GET /v1/models': { data: [{ mcp: model('alpha') }, { mcp: model('beta') }] },
  'GET /v1/prompts': { prompts: [] },
  'GET /v1/graphs': { graphs: [] },
  'GET /v1/conversations': { conversations: [summary(1)], next_cursor: null },
  [`GET /v1/conversations/${summary(1).id}`]: conversation(1),
};

/** An RFC 9457 answer, as every route outside the wires gives. */
export function problem(status: number, code: string, detail: string): Response {
  const body = JSON.stringify({
    type: 'about:blank',
    title: code,
    status,
    code,
    detail,
    trace_id: 'b'.repeat(32),
  });
  return new Response(body, {
    status,
    headers: { 'content-type': 'application/problem+json' },
  });
}

/** An answer that does not come. */
export function never(): Promise<never> {
  return new Promise(() => undefined);
}

// Effects, and what undoes them, run at once instead of after a frame that nobody paints.
options.requestAnimationFrame = queueMicrotask;

export interface Screen {
  /** Every call that reached the gateway, in order. */
  readonly calls: readonly Call[];
  calledWith(name: string): readonly Call[];
}

/** Opens the console at an address, signed in unless `key` is null. */
export function openConsole(hash: string, answers: Answers = {}, key: string | null = KEY): Screen {
  takeAway();
  const calls: Call[] = [];
  const table = { ...USUAL, ...answers };
  vi.stubGlobal('fetch', async (path: string, init: RequestInit) => {
    const url = new URL(path, 'http://gateway.test');
    const name = `${init.method ?? 'GET'} ${url.pathname}`;
    const body = typeof init.body === 'string' ? JSON.parse(init.body) : null;
    const call = {
      name,
      query: url.searchParams,
      body,
      authorization: new Headers(init.headers).get('authorization'),
    };
    calls.push(call);
    return toResponse(
      name in table ? await given(table[name], call) : problem(404, 'not_found', `Nothing at ${name}.`),
    );
  });
  if (key !== null) sessionStorage.setItem('mcp.key', key);
  history.replaceState(null, '', `/${hash}`);
  const root = document.createElement('div');
  root.id = 'app';
  document.body.append(root);
  render(h(App, {}), root);
  return { calls, calledWith: (name) => calls.filter((call) => call.name === name) };
}

function given(answer: Answer, call: Call): unknown {
  return typeof answer === 'function' ? answer(call) : answer;
}

function toResponse(answer: unknown): Response {
  if (answer instanceof Response) return answer.clone();
  if (answer === undefined) return new Response(null, { status: 204 });
  return new Response(JSON.stringify(answer), { status: 200 });
}

// Nothing that the console keeps in the browser stays for the next test.
afterEach(async () => {
  takeAway();
  await settle();
});

function takeAway(): void {
  const root = document.getElementById('app');
  if (root !== null) render(null, root);
  document.body.replaceChildren();
  delete document.documentElement.dataset.theme;
  sessionStorage.clear();
  localStorage.clear();
  vi.unstubAllGlobals();
}

/** Waits until what is expected holds. */
export function until(expected: () => void): Promise<void> {
  return vi.waitFor(expected, { timeout: 10_000, interval: 5 });
}

/** Lets the page take in what was done to it, as it does between two actions of a person. */
export function settle(): Promise<void> {
  return new Promise((resolve) => setTimeout(resolve));
}
