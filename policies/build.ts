import { execFileSync } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { entrypointOf, GATEKEEPER_RULES, sourceDigest } from './gatekeeper/source.ts';

/** Compiles the Rego to `gatekeeper/rules.wasm`, which the tests evaluate: `npm run policies:build`. */

const folder = fileURLToPath(new URL('gatekeeper', import.meta.url));
const BUILD_TIMEOUT_MS = 120_000;

function opa(args: readonly string[]): void {
  try {
    execFileSync('opa', args, { cwd: folder, stdio: 'inherit', timeout: BUILD_TIMEOUT_MS });
  } catch (error) {
    if (error instanceof Error && 'code' in error && error.code === 'ENOENT') {
      console.error(
        'policies:build needs opa 1.x on PATH: go install github.com/open-policy-agent/opa@v1.10.0',
      );
      process.exit(1);
    }
    throw error;
  }
}

const files = ['lib.rego', ...GATEKEEPER_RULES.map(({ name }) => `../rules/${name}/rule.rego`)];
const scratch = mkdtempSync(join(tmpdir(), 'mcp-policies-'));
try {
  opa(['check', '--strict', ...files]);
  const bundle = join(scratch, 'bundle.tar.gz');
  const entrypoints = GATEKEEPER_RULES.flatMap((rule) => ['-e', entrypointOf(rule)]);
  opa(['build', '-t', 'wasm', ...entrypoints, '-o', bundle, ...files]);
  execFileSync('tar', ['xzf', bundle, '-C', scratch, '/policy.wasm'], {
    stdio: 'pipe',
    timeout: BUILD_TIMEOUT_MS,
  });
  writeFileSync(join(folder, 'rules.wasm'), readFileSync(join(scratch, 'policy.wasm')));
  writeFileSync(join(folder, 'rules.wasm.sha256'), `${sourceDigest()}\n`);
  console.log('gatekeeper/rules.wasm is built.');
} finally {
  rmSync(scratch, { recursive: true, force: true });
}
