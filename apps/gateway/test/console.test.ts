import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { head, raw } from '@mcp/testkit';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { type Harness, startGateway } from './harness.ts';

let g: Harness;
const dir = mkdtempSync(join(tmpdir(), 'mcp-console-'));
const SCRIPT = `console.log(${JSON.stringify('x'.repeat(2000))});`;

beforeAll(async () => {
  mkdirSync(join(dir, 'assets'));
  writeFileSync(join(dir, 'assets', 'index-AbC123.js'), SCRIPT);
  writeFileSync(join(dir, 'assets', 'notes.exe'), 'MZ');
  writeFileSync(join(dir, 'theme.js'), 'theme');
  writeFileSync(join(dir, 'secret.txt'), 'secret');
  g = await startGateway({
    env: { MCP_CONSOLE_DIR: dir, MCP_CORS_ORIGINS: 'https://app.example.com, http://localhost:5173' },
  });
});
afterAll(async () => {
  await g.close();
  rmSync(dir, { recursive: true, force: true });
});

const get = (path: string, headers: Record<string, string> = {}) => fetch(`${g.url}${path}`, { headers });

test('before it is built the page says how, and afterwards it is there without a restart', async () => {
  const missing = await get('/');
  expect(missing.status).toBe(503);
  expect(await missing.text()).toMatch(/not built[\s\S]*npm run build/);
  writeFileSync(join(dir, 'index.html'), '<!doctype html><title>Console</title>');
  const page = await get('/');
  expect(page.status).toBe(200);
  expect(await page.text()).toContain('<title>Console</title>');
  expect(page.headers.get('cache-control')).toBe('no-cache');
});

test('pages may load nothing but their own files', async () => {
  const { headers } = await get('/theme.js');
  expect(headers.get('content-security-policy')).toMatch(/^default-src 'none'; script-src 'self';/);
  expect(headers.get('content-security-policy')).not.toMatch(/unsafe|\*|data:/);
  expect(headers.get('x-content-type-options')).toBe('nosniff');
  expect(headers.get('content-security-policy')).toContain("frame-ancestors 'none'");
});

test('hashed assets are kept for ever, compressed where the client can', async () => {
  const path = '/assets/index-AbC123.js';
  const plain = await get(path, { 'accept-encoding': 'identity' });
  expect(plain.headers.get('cache-control')).toBe('public, max-age=31536000, immutable');
  expect(plain.headers.get('content-type')).toBe('text/javascript; charset=utf-8');
  expect(plain.headers.get('content-encoding')).toBeNull();
  expect(await plain.text()).toBe(SCRIPT);
  const zipped = await raw(g.port, [
    head(`GET ${path} HTTP/1.1`, ['Accept-Encoding: gzip', 'Connection: close']),
  ]);
  expect(zipped.headers).toMatch(/content-encoding: gzip/i);
  expect(Number(/content-length: (\d+)/i.exec(zipped.headers)?.[1])).toBeLessThan(SCRIPT.length / 2);
  expect(await (await get(path)).text()).toBe(SCRIPT);
  const etag = plain.headers.get('etag') ?? '';
  const again = await get(path, { 'if-none-match': etag });
  expect(again.status).toBe(304);
  expect(await again.text()).toBe('');
});

test.each([
  '/assets/nope.js',
  '/assets/notes.exe',
  '/assets/..%2fsecret.txt',
  '/secret.txt',
  '/assets/',
  '/index.html',
  '/assets/%2e%2e/secret.txt',
])('does not serve %s', async (path) => {
  const answer = await get(path);
  expect(answer.status).toBe(404);
  expect(await answer.text()).not.toContain('secret"');
});

test('HEAD tells about a page without sending it', async () => {
  const answer = await fetch(`${g.url}/theme.js`, { method: 'HEAD' });
  expect(answer.status).toBe(200);
  expect(await answer.text()).toBe('');
});

test('browser applications of listed origins may call, others may not', async () => {
  const preflight = (origin: string) =>
    fetch(`${g.url}/v1/chat/completions`, {
      method: 'OPTIONS',
      headers: {
        origin,
        'access-control-request-method': 'POST',
        'access-control-request-headers': 'authorization, x-stainless-lang',
      },
    });
  const allowed = await preflight('https://app.example.com');
  expect(allowed.status).toBe(204);
  expect(allowed.headers.get('access-control-allow-origin')).toBe('https://app.example.com');
  expect(allowed.headers.get('access-control-allow-headers')).toContain('x-stainless-lang');
  const refused = await preflight('https://evil.example.com');
  expect(refused.status).toBe(405);
  expect(refused.headers.get('access-control-allow-origin')).toBeNull();
  const answer = await g.ask('/v1/models', { headers: { origin: 'http://localhost:5173' } });
  expect(answer.headers.get('access-control-allow-origin')).toBe('http://localhost:5173');
  expect(answer.headers.get('access-control-expose-headers')).toContain('x-trace-id');
  expect(answer.headers.get('vary')).toBe('origin');
  const stream = await g.ask('/v1/chat/completions', {
    method: 'POST',
    body: JSON.stringify({ model: 'tiny-chat', stream: true, messages: [{ role: 'user', content: 'hi' }] }),
    headers: { origin: 'http://localhost:5173' },
  });
  expect(stream.headers.get('access-control-allow-origin')).toBe('http://localhost:5173');
  await stream.text();
});
