import { mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { Command } from 'commander';
import { generatedPages } from '../docs-text.ts';
import { CliError } from '../errors.ts';
import type { GeneratedPage } from '../page.ts';
import { ROOT } from '../paths.ts';

/** `mcp docs`: writes the generated tables of docs/. */
export function docsCommand(): Command {
  return new Command('docs')
    .description('write the pages of docs/ that are tables of the code')
    .option('--check', 'write nothing; fail when a page is stale', false)
    .action(async (flags: { check: boolean }) => {
      const stale = (await generatedPages()).filter(isStale);
      if (flags.check && stale.length > 0)
        throw new CliError(
          `Stale: ${stale.map((page) => page.path).join(', ')}. Write them with: npx mcp docs`,
        );
      for (const page of stale) {
        const path = join(ROOT, page.path);
        mkdirSync(dirname(path), { recursive: true });
        writeFileSync(path, page.text);
      }
      const said =
        stale.length === 0
          ? 'All generated pages are up to date.'
          : `Wrote ${stale.map((page) => page.path).join(', ')}.`;
      process.stdout.write(`${said}\n`);
    });
}

function isStale(page: GeneratedPage): boolean {
  try {
    return readFileSync(join(ROOT, page.path), 'utf8') !== page.text;
  } catch {
    return true;
  }
}
