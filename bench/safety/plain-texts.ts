/** Code and documentation, which attack nobody: what tools give most. */
import { execFileSync } from 'node:child_process';
import { existsSync, readdirSync, readFileSync, statSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import type { Corpus } from './corpora.ts';

const ROOT = fileURLToPath(new URL('../../', import.meta.url));
const MODULES = join(ROOT, 'node_modules');
/** Packages whose code is trained on; all are MIT. */
const PACKAGES = ['hono', 'zod', 'kysely', 'undici', 'fast-check', 'commander', 'pino', 'vite'] as const;
const KINDS = /\.(ts|js|mjs|cjs|md|json|ya?ml|css|html|rego)$/;
const WINDOW_CHARS = 1200;
const MAX_FILE_WINDOWS = 12;
const MAX_PACKAGE_WINDOWS = 500;
const MAX_READMES = 600;

/** Code of packages that are installed here, and the first page of every package's documentation. */
export function installedCode(): Corpus {
  const code = PACKAGES.flatMap((name) =>
    filesIn(join(MODULES, name))
      .flatMap((file) => windows(file))
      .slice(0, MAX_PACKAGE_WINDOWS),
  );
  const pages = readdirSync(MODULES)
    .filter((name) => /^[a-z]/.test(name))
    .map((name) => join(MODULES, name, 'README.md'))
    .filter((file) => existsSync(file))
    .slice(0, MAX_READMES)
    .flatMap((file) => windows(file).slice(0, 4));
  return {
    name: 'installed packages',
    version: `${PACKAGES.join(', ')}, and the README of others, as package-lock.json pins them`,
    licence: 'MIT; of the READMEs that of each',
    part: 'windows of 1,200 characters',
    texts: [...code, ...pages].map((text) => ({ text, attack: false })),
  };
}

/** The files of this repository, which nothing was trained on: every third window. */
export function ownFiles(): Corpus {
  const files = execFileSync('git', ['-C', ROOT, 'ls-files'], { encoding: 'utf8' }).trim().split('\n');
  const texts = files
    .filter((file) => KINDS.test(file) && !/package-lock|safety|(^|\/)test/.test(file))
    .flatMap((file) => windows(join(ROOT, file)))
    .filter((_, at) => at % 3 === 0)
    .map((text) => ({ text, attack: false }));
  return {
    name: 'this repository',
    version: 'this commit',
    licence: 'its own',
    part: 'every third window',
    texts,
  };
}

function filesIn(dir: string): string[] {
  return readdirSync(dir, { withFileTypes: true }).flatMap((entry) => {
    const path = join(dir, entry.name);
    if (entry.isDirectory()) return entry.name === 'node_modules' ? [] : filesIn(path);
    return KINDS.test(entry.name) && !entry.name.includes('.min.') ? [path] : [];
  });
}

function windows(file: string): string[] {
  if (!statSync(file).isFile()) return [];
  const text = readFileSync(file, 'utf8');
  const count = Math.min(MAX_FILE_WINDOWS, Math.ceil(text.length / WINDOW_CHARS));
  return Array.from({ length: count }, (_, at) =>
    text.slice(at * WINDOW_CHARS, (at + 1) * WINDOW_CHARS),
  ).filter((one) => one.trim().length > 40);
}
