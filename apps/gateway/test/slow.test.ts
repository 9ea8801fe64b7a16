import { head, raw } from '@mcp/testkit';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { type Harness, startGateway } from './harness.ts';

let g: Harness;
beforeAll(async () => {
  g = await startGateway({ limits: { headers_ms: 300, request_ms: 600 } });
});
afterAll(() => g.close());

test.each<[string, () => readonly string[]]>([
  ['headers', () => ['GET /healthz HTTP/1.1\r\n', 'x-a: 1\r\n', 'x-b: 1\r\n']],
  [
    'body',
    () => [
      head('POST /chat HTTP/1.1', [`Authorization: Bearer ${g.admin}`, 'Content-Length: 50']),
      '{"mess',
      'age"',
      ':',
    ],
  ],
])('a request whose %s do not come in time is ended in words', async (_name, pieces) => {
  const { status, body } = await raw(g.port, pieces(), 150);
  expect(status).toBe(408);
  expect(JSON.parse(body)).toMatchObject({ detail: expect.stringMatching(/did not arrive in full/) });
});
