import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { services } from '@mcp/stacks';
import { onTestFinished } from 'vitest';
import { lineUi, type Ui } from '../src/ui.ts';

/** A directory that is removed after the test. */
export function scratch(): string {
  const dir = mkdtempSync(join(tmpdir(), 'mcp-tools-'));
  onTestFinished(() => rmSync(dir, { recursive: true, force: true, maxRetries: 5 }));
  return dir;
}

/** A Ui that keeps what was said. */
export function recordingUi(): { ui: Ui; lines: string[] } {
  const lines: string[] = [];
  return { ui: lineUi((line) => lines.push(line)), lines };
}

/** Waits until a condition holds; fails with `what` after `limit_ms`. */
export async function until(
  what: string,
  holds: () => boolean | Promise<boolean>,
  limit_ms = 15_000,
): Promise<void> {
  const end_ms = Date.now() + limit_ms;
  while (!(await holds())) {
    if (Date.now() > end_ms) throw new Error(`${what} did not come within ${limit_ms} ms`);
    await sleep(20);
  }
}

/** Source of a small service: answers `/readyz`, keeps its environment in the data directory, ends on SIGTERM. */
const FIXTURE = `
import { createServer } from 'node:http';
import { existsSync, writeFileSync } from 'node:fs';
const name = process.argv[1].split('/').at(-3);
const data = process.env.MCP_DATA;
writeFileSync(data + '/' + name + '.env.json', JSON.stringify(process.env));
writeFileSync(data + '/' + name + '.argv.json', JSON.stringify(process.execArgv));
if (existsSync(data + '/' + name + '.misconfigured')) {
  console.error('MCP_FIXTURE is not set: it must be a number');
  process.exit(78);
}
const stubborn = existsSync(data + '/' + name + '.stubborn');
process.on('SIGTERM', () => { if (!stubborn) process.exit(0); });
for (const one of [name, ...(process.env.MCP_IN_PROCESS ?? '').split(',').filter((part) => part !== '')]) {
  const own = process.env['MCP_' + one.toUpperCase().replaceAll('-', '_') + '_PORT'];
  createServer((request, response) => {
    response.setHeader('content-type', 'application/json');
    response.end(request.url === '/internal/models' ? '[]' : JSON.stringify({ status: 'ready', service: one }));
  }).listen(Number(own ?? PORTS[one]), '127.0.0.1');
}
`;

/** A checkout with a fixture in the place of every service. */
export function fixtureRoot(): string {
  const root = scratch();
  const ports = Object.fromEntries(Object.values(services).map((manifest) => [manifest.name, manifest.port]));
  for (const manifest of Object.values(services)) {
    const dir = join(root, 'apps', manifest.name, 'src');
    mkdirSync(dir, { recursive: true });
    writeFileSync(join(dir, 'main.ts'), `const PORTS = ${JSON.stringify(ports)};\n${FIXTURE}`);
  }
  writeFileSync(join(root, 'package.json'), '{"type":"module"}');
  return root;
}
