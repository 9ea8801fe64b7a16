import { execFileSync } from 'node:child_process';
import { mkdtempSync, readdirSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { stacks } from '@mcp/stacks';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { parse } from 'yaml';
import { kubectl, outcome, show } from './support.ts';

const SYNTH = join(import.meta.dirname, '..', '..', 'infra', 'synth.ts');
/** Nothing is made in it: objects are only shown to the API server. */
const NAMESPACE = 'mcp-dry-run';
/** Custom kinds that this cluster may lack: the stack's preview would say so. */
const NO_SUCH_KIND = /no matches for kind "(\w+)"/;

interface Manifest {
  readonly kind: string;
  readonly metadata: { readonly name: string; readonly namespace?: string };
}

const dir = mkdtempSync(join(tmpdir(), 'mcp-dry-run-'));
beforeAll(async () => {
  await kubectl(['create', 'namespace', NAMESPACE]);
});
afterAll(async () => {
  rmSync(dir, { recursive: true, force: true });
  await kubectl(['delete', 'namespace', NAMESPACE, '--wait=true']);
});

/** Every namespaced object of a stack, as if its regions were one namespace of this cluster. */
function objectsOf(stack: string): Manifest[] {
  const out = join(dir, stack);
  execFileSync(process.execPath, [SYNTH, stack, '--out', out], { stdio: 'ignore' });
  const region = stacks[stack]?.regions[0]?.name ?? '';
  return readdirSync(out)
    .filter((file) => file.endsWith('.yaml') && file.includes(`-${region}-`))
    .map((file) => parse(readFileSync(join(out, file), 'utf8')) as Manifest)
    .filter(({ metadata }) => metadata.namespace !== undefined)
    .map((one) => ({ ...one, metadata: { ...one.metadata, namespace: NAMESPACE } }));
}

it.each(['dev', 'prod'])('the API server accepts every object of the stack %s', async (stack) => {
  const refused: string[] = [];
  const accepted = new Map<string, number>();
  const missing = new Set<string>();
  const dryRun = (object: Manifest) =>
    outcome(
      kubectl(['apply', '--server-side', '--dry-run=server', '--filename', '-'], JSON.stringify(object)),
    );
  for (const object of objectsOf(stack)) {
    const { ok, text } = await dryRun(object);
    const kind = NO_SUCH_KIND.exec(text)?.[1];
    if (ok) accepted.set(object.kind, (accepted.get(object.kind) ?? 0) + 1);
    else if (kind !== undefined) missing.add(kind);
    else refused.push(`${object.kind} ${object.metadata.name}: ${text}`);
  }
  show(
    `Accepted of ${stack}${missing.size === 0 ? '' : `; this cluster has no ${[...missing].join(', ')}`}`,
    [...accepted].map(([kind, objects]) => ({ kind, objects })),
  );
  expect(refused).toEqual([]);
  expect(accepted.get('StatefulSet')).toBe(2);
});
