import { mkdirSync, rmSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { parseArgs } from 'node:util';
import { type Stack, stacks } from '@mcp/stacks';
import { stringify } from 'yaml';
import { requiredSecrets } from '../config.ts';
import { type RecordedResource, recordProgram } from '../kit/record.ts';
import { type SecretShape, secretsScript } from './secrets-script.ts';

const USAGE = `usage: npm run synth [-- <stack>] [--out <directory>]

Writes the objects of a stack (${Object.keys(stacks).join(', ')}; default local) as YAML to dist/<stack>/, one file each,
in the order in which to apply them. Secrets are not written: secrets.sh makes those that are not there yet.
Apply: (set -a; eval "$(npx mcp identity)"; sh dist/<stack>/secrets.sh), then kubectl apply --server-side --force-conflicts -f dist/<stack>/`;

/** Kinds that others need, in this order; everything else follows by kind and name. */
const ORDER = [
  'Namespace',
  'PriorityClass',
  'ConstraintTemplate',
  'ServiceAccount',
  'ConfigMap',
  'NetworkPolicy',
];
/** Passes for every secret where only the shape of a stack is wanted. */
const PLACEHOLDER = `postgres://user:password@host:5432/${'x'.repeat(64)}`;

const { values, positionals } = parseArgs({
  allowPositionals: true,
  options: { out: { type: 'string' }, help: { type: 'boolean', short: 'h' } },
});
const name = positionals[0] ?? 'local';
const stack = stacks[name];
if (values.help === true) {
  process.stdout.write(`${USAGE}\n`);
} else if (stack === undefined) {
  process.stderr.write(`There is no stack '${name}'. ${USAGE}\n`);
  process.exitCode = 2;
} else
  await synth(stack, values.out ?? join(dirname(fileURLToPath(import.meta.url)), '..', '..', 'dist', name));

async function synth(stack: Stack, out: string): Promise<void> {
  const { resources } = await recordProgram(
    stack.name,
    Object.fromEntries(requiredSecrets(stack).map((key) => [key, PLACEHOLDER])),
  );
  const objects = resources.filter(({ type }) => /^kubernetes:.+\/.+:/.test(type));
  rmSync(out, { recursive: true, force: true });
  mkdirSync(out, { recursive: true });
  const written = objects.filter((one) => !isSecret(one)).sort((a, b) => keyOf(a).localeCompare(keyOf(b)));
  const files = written.map(({ name: file }, at) => `${String(at).padStart(3, '0')}-${file}.yaml`);
  for (const [at, { inputs }] of written.entries())
    writeFileSync(join(out, files[at] ?? ''), stringify(inputs, { sortMapEntries: true, lineWidth: 0 }));
  const secrets = objects.filter(isSecret);
  const namespaces = files.filter((_, at) => written[at]?.inputs.kind === 'Namespace');
  writeFileSync(join(out, 'secrets.sh'), secretsScript(secrets.map(shapeOf), namespaces));
  process.stdout.write(
    `${written.length} objects of ${stack.name} are in ${out}\n(set -a; eval "$(npx mcp identity)"; sh ${join(out, 'secrets.sh')}) && kubectl apply --server-side --force-conflicts -f ${out}\n`,
  );
}

function isSecret({ inputs }: RecordedResource): boolean {
  return inputs.kind === 'Secret';
}

function keyOf({ inputs, name: file }: RecordedResource): string {
  const at = ORDER.indexOf(String(inputs.kind));
  return `${String(at < 0 ? ORDER.length : at).padStart(2, '0')} ${file}`;
}

function shapeOf({ inputs }: RecordedResource): SecretShape {
  const { name, namespace } = inputs.metadata as { name: string; namespace: string };
  return { name, namespace, keys: Object.keys(inputs.data ?? {}) };
}
