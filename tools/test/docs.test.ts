import { execFileSync } from 'node:child_process';
import { existsSync, readdirSync, readFileSync, statSync } from 'node:fs';
import { dirname, join, normalize } from 'node:path';
import { SOCKET_PATH } from '@mcp/contracts';
import { ADDONS, installCommand, services, stacks } from '@mcp/stacks';
import type { Command } from 'commander';
import { describe, expect, it } from 'vitest';
import { commands } from '../src/commands/index.ts';
import { LOG_NAMES } from '../src/commands/logs.ts';
import { ROOT } from '../src/paths.ts';

/** A Markdown page: path below the checkout, its text, and the pieces of code in it. */
interface Page {
  readonly path: string;
  readonly text: string;
  /** Lines of fenced blocks (continued lines joined), and inline code. */
  readonly code: readonly string[];
}

const FENCE = /^(`{3,})[^\n]*\n([\s\S]*?)^\1[ \t]*$/gm;
const INLINE = /`([^`\n]+)`/g;
const PAGES = [
  'README.md',
  'AGENTS.md',
  'CONTRIBUTING.md',
  'SECURITY.md',
  ...markdownBelow('docs').filter((path) => !path.startsWith('docs/images/')),
].map(pageOf);
/** Decisions say what was so on their day; what they name may have gone since. */
const LIVING = PAGES.filter(({ path }) => !path.startsWith('docs/decisions/'));

function markdownBelow(dir: string): string[] {
  return readdirSync(join(ROOT, dir), { recursive: true, encoding: 'utf8' })
    .map((name) => join(dir, name))
    .filter((path) => path.endsWith('.md'))
    .sort();
}

function pageOf(path: string): Page {
  const text = readFileSync(join(ROOT, path), 'utf8');
  const blocks = [...text.matchAll(FENCE)].flatMap(([, , body = '']) =>
    body.replaceAll(/\\\n\s*/g, ' ').split('\n'),
  );
  const inline = [...text.replaceAll(FENCE, '').matchAll(INLINE)].map(([, body = '']) => body);
  return { path, text, code: [...blocks, ...inline] };
}

/** Targets of links and images, those in code left out. */
function linksOf({ text }: Page): string[] {
  const prose = text.replaceAll(FENCE, '').replaceAll(INLINE, '');
  return [...prose.matchAll(/!?\[[^\]]*\]\(([^)\s]+)\)/g)].map(([, target = '']) => target);
}

/** Anchors of a page's headings, as GitHub makes them. */
function anchorsOf(text: string): ReadonlySet<string> {
  const seen = new Map<string, number>();
  const anchors = [...text.replaceAll(FENCE, '').matchAll(/^#{1,6} +(.+?) *$/gm)].map(([, title = '']) => {
    const slug = title
      .toLowerCase()
      .replaceAll(/\[([^\]]*)\]\([^)]*\)/g, '$1')
      .replaceAll(/[^\p{L}\p{N}\p{M}_ -]/gu, '')
      .replaceAll(' ', '-');
    const before = seen.get(slug) ?? 0;
    seen.set(slug, before + 1);
    return before === 0 ? slug : `${slug}-${before}`;
  });
  return new Set(anchors);
}

/** Why a link leads nowhere, or undefined. */
function brokenLink(page: Page, target: string): string | undefined {
  if (/^[a-z][a-z0-9+.-]*:/i.test(target)) return undefined;
  const [file = '', anchor] = target.split('#', 2);
  const path = file === '' ? page.path : normalize(join(dirname(page.path), decodeURIComponent(file)));
  if (path.startsWith('..') || !existsSync(join(ROOT, path)))
    return `${page.path}: ${target} leads to ${path}, which is not there`;
  if (anchor === undefined) return undefined;
  if (!statSync(join(ROOT, path)).isFile() || !path.endsWith('.md'))
    return `${page.path}: ${target} has an anchor, but ${path} is no page`;
  return anchorsOf(readFileSync(join(ROOT, path), 'utf8')).has(anchor)
    ? undefined
    : `${page.path}: ${path} has no heading for #${anchor}`;
}

/** What the `mcp` command understands: the path of each (sub-)command with its flags. */
function commandTable(): ReadonlyMap<string, ReadonlySet<string>> {
  const table = new Map<string, ReadonlySet<string>>();
  const add = (command: Command, parents: readonly string[]) => {
    const path = [...parents, command.name()];
    const flags = command.options.flatMap(({ long, short }) => [long ?? '', short ?? '']);
    table.set(path.join(' '), new Set([...flags.filter((flag) => flag !== ''), '--help', '-h']));
    for (const child of command.commands) add(child, path);
  };
  for (const make of commands) add(make(), []);
  table.set('', new Set(['--help', '-h', '--version', '-V']));
  return table;
}

const TABLE = commandTable();

/** Uses of the command line in a piece of code: the words after `mcp` or `npm start --`, up to the shell's next command. */
function usesOf(code: string): string[][] {
  const words = (text: string) =>
    (text.split(/[|;&)"]|\s#\s/)[0] ?? '').split(/\s+/).filter((word) => word !== '');
  const direct = [...code.matchAll(/\bnpx mcp\b(?! …)([^\n]*)/g)].map(([, rest = '']) => words(rest));
  const bare = /^mcp ([a-z].*)$/.exec(code);
  const started = [...code.matchAll(/\bnpm start -- ([^\n]*)/g)].map(([, rest = '']) => [
    'start',
    ...words(rest),
  ]);
  return [...direct, ...(bare === null ? [] : [words(bare[1] ?? '')]), ...started];
}

/** Why a use of the command line cannot be typed so, or undefined. */
function wrongUse(words: readonly string[]): string | undefined {
  const shown = `mcp ${words.join(' ')}`;
  const [first = '', second = ''] = words;
  const name = TABLE.has(`${first} ${second}`) ? `${first} ${second}` : first.startsWith('-') ? '' : first;
  const flags = TABLE.get(name);
  if (flags === undefined) return `${shown}: there is no command ${name}`;
  const parent = [...TABLE.keys()].some((path) => path.startsWith(`${name} `));
  if (parent && /^[a-z]/.test(second) && !(first === 'logs' && LOG_NAMES.includes(second)))
    return `${shown}: ${name} has no ${second}`;
  const unknown = words
    .filter((word) => /^--?[a-z]/i.test(word))
    .map((word) => word.split('=')[0] ?? word)
    .find((flag) => !flags.has(flag));
  return unknown === undefined ? undefined : `${shown}: ${name} has no ${unknown}`;
}

/** Routes that the gateway serves, read from its sources: `GET /v1/jobs/{}`. No application may be imported here. */
function gatewayRoutes(): ReadonlySet<string> {
  const sources = [
    ...readdirSync(join(ROOT, 'apps/gateway/src/routes')).map((name) => `apps/gateway/src/routes/${name}`),
    'packages/service-kit/src/http/app.ts',
  ].map((path) => readFileSync(join(ROOT, path), 'utf8'));
  const routes = sources.flatMap((source) =>
    [...source.matchAll(/\bapp\.(get|post|put|patch|delete)\(\s*(?:'([^']+)'|SOCKET_PATH)/g)].map(
      ([, method = '', path = SOCKET_PATH]) =>
        `${method.toUpperCase()} ${path.replaceAll(/:\w+(\{[^}]*\})?/g, '{}')}`,
    ),
  );
  return new Set(routes);
}

describe('README', () => {
  it('has fewer than 200 lines', () => {
    expect(pageOf('README.md').text.split('\n').length).toBeLessThan(200);
  });

  it('leads to every page of docs, over the index', () => {
    const index = pageOf('docs/README.md');
    const linked = new Set(
      linksOf(index).map((target) => normalize(join('docs', target.split('#')[0] ?? ''))),
    );
    const pages = PAGES.map(({ path }) => path).filter(
      (path) => path.startsWith('docs/') && path !== index.path && !path.startsWith('docs/decisions/'),
    );
    expect(pages.filter((path) => !linked.has(path))).toEqual([]);
    expect(linksOf(pageOf('README.md'))).toContain('docs/README.md');
  });
});

describe('charts of others', () => {
  const installs = LIVING.flatMap(({ code }) => code.filter((one) => /^helm .*--version/.test(one)));

  it('are installed by the commands that a preview names, in the versions of stacks/addons.ts', () => {
    const known = new Set(Object.values(ADDONS).map(installCommand));
    expect(installs.filter((one) => !known.has(one))).toEqual([]);
  });

  it('are there for every feature of the stack local', () => {
    const on = Object.entries(stacks.local?.kubernetes.features ?? {}).filter(([, is_on]) => is_on);
    const wanted = on.flatMap(([name]) =>
      name in ADDONS ? [installCommand(ADDONS[name as keyof typeof ADDONS])] : [],
    );
    expect(wanted.length).toBeGreaterThan(0);
    const { code } = pageOf('docs/local-clusters.md');
    expect(wanted.filter((one) => !code.includes(one))).toEqual([]);
  });
});

/** Constants that the code exports: pages name the tables among them. */
const TABLES = new Set(
  execFileSync('git', ['grep', '-hoE', '^export const [A-Z][A-Z0-9_]+', '--', '*.ts'], {
    cwd: ROOT,
    encoding: 'utf8',
  })
    .split('\n')
    .map((line) => line.replace('export const ', '')),
);

describe.each(PAGES.map((page): [string, Page] => [page.path, page]))('%s', (_, page) => {
  it('has no link, image or anchor that leads nowhere', () => {
    expect(linksOf(page).flatMap((target) => brokenLink(page, target) ?? [])).toEqual([]);
  });
});

describe.each(LIVING.map((page): [string, Page] => [page.path, page]))('%s', (_, page) => {
  it('names files of the checkout that are there', () => {
    const paths = page.code.filter((code) =>
      /^(docs|apps|packages|tools|stacks|tests|bench)\/[\w./-]+$/.test(code),
    );
    expect(paths.filter((path) => !existsSync(join(ROOT, path)))).toEqual([]);
  });

  it('shows commands and flags that the command line has', () => {
    const all = new Set([...TABLE.values()].flatMap((flags) => [...flags]));
    const alone = page.code.flatMap((code) => /^(--[a-z][a-z-]+)(?:[ =]|$)/.exec(code)?.[1] ?? []);
    expect([
      ...page.code.flatMap(usesOf).flatMap((words) => wrongUse(words) ?? []),
      ...alone.filter((flag) => !all.has(flag)),
    ]).toEqual([]);
  });

  it('names variables that docs/configuration.md explains, and tables that the code has', () => {
    const known = readFileSync(join(ROOT, 'docs/configuration.md'), 'utf8');
    const streams = Object.values(services).flatMap(({ bus }) => Object.keys(bus.streams));
    const names = page.code.flatMap((code) => code.match(/\b[A-Z][A-Z0-9]*(?:_[A-Z0-9]+)+\b/g) ?? []);
    expect(
      [...new Set(names)].filter(
        (name) => !streams.includes(name) && !TABLES.has(name) && !known.includes(`\`${name}\``),
      ),
    ).toEqual([]);
  });

  it('names routes that the gateway serves', () => {
    const routes = gatewayRoutes();
    const named = page.code.flatMap((code) => {
      const [, method, path = ''] = /^(GET|POST|PUT|PATCH|DELETE) (\/[^\s?]*)/.exec(code) ?? [];
      return method === undefined ? [] : [`${method} ${path.replaceAll(/\{[^}]*\}/g, '{}')}`];
    });
    expect(named.filter((route) => !routes.has(route))).toEqual([]);
  });
});
