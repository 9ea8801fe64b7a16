import { execFileSync } from 'node:child_process';
import { mkdtempSync, readdirSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { expect, it } from 'vitest';
import { parse, parseAllDocuments } from 'yaml';
import { expectedOf } from './dump.ts';
import { STACKS } from './stacks.ts';

const SYNTH = join(import.meta.dirname, '..', 'programs', 'synth.ts');

it.each(STACKS)('npm run synth writes every object of %s but its Secrets', (stack) => {
  const out = mkdtempSync(join(tmpdir(), 'mcp-synth-'));
  try {
    execFileSync(process.execPath, [SYNTH, stack, '--out', out], { stdio: ['ignore', 'ignore', 'pipe'] });
    const kindsIn = (all: readonly { kind: string }[]) => all.map(({ kind }) => kind).sort();
    const files = readdirSync(out).filter((file) => file.endsWith('.yaml'));
    const written = files.map((file) => parse(readFileSync(join(out, file), 'utf8')) as { kind: string });
    const objects = [...expectedOf(stack)].flatMap(([path, text]) =>
      path.includes('/') || path === 'program.yaml'
        ? []
        : parseAllDocuments(text).map((one) => one.toJS() as { kind: string }),
    );
    expect(kindsIn(written)).toEqual(kindsIn(objects.filter(({ kind }) => kind !== 'Secret')));
    expect(readFileSync(join(out, 'secrets.sh'), 'utf8')).toContain('mcp-admin-key');
  } finally {
    rmSync(out, { recursive: true, force: true });
  }
});
