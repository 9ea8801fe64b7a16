/** docs/wire-features.md: what each public format has a word for, what each backend makes of it, what is ignored. */
import { FEATURES, FORMATS, IGNORED_FIELDS } from '@mcp/contracts';
import { type GeneratedPage, markdownTable, NOTE } from './page.ts';

const code = (text: string | undefined) => (text === undefined ? '–' : `\`${text}\``);

export async function wireFeaturesPage(): Promise<GeneratedPage> {
  const { BACKEND_FEATURES, supportOf } = await import('@mcp/model-backends/features');
  const backends = Object.entries(BACKEND_FEATURES);
  const formats: readonly Readonly<Record<string, string | undefined>>[] = Object.values(FORMATS).map(
    ({ names }) => names,
  );
  const rows = FEATURES.map((feature) => [
    feature === 'pictures' ? feature : code(feature),
    ...formats.map((names) => code(names[feature])),
    ...backends.map(([, features]) => {
      const { support, note } = supportOf(features, feature);
      return note === undefined ? support : `${support}: ${note}`;
    }),
  ]);
  const ignored = Object.entries(IGNORED_FIELDS).flatMap(([wire, places]) =>
    Object.entries(places).map(([place, fields]) => [wire, place, fields.map(code).join(', ')]),
  );
  const head = [
    'asked for',
    ...Object.entries(FORMATS).map(
      ([name, { route }]) => `${code(route)}${name === 'functions' ? ' with `functions`' : ''}`,
    ),
    ...backends.map(([name]) => name),
  ];
  const text = `# Formats, features and backends

${NOTE}

Every format goes through the same pipeline to every backend. The first columns say what a format calls a feature; – : it has no word for it, and refuses the field by name. The last ones say what a backend makes of it, whatever format it came in:

- **yes**: it does it.
- **passed on**: the server behind decides.
- **no effect**: taken, without an effect; the header \`x-mcp-ignored-fields\` names it.
- **refused**: answered with 400 and \`unsupported_parameter\`.

${markdownTable(head, rows)}

## Ignored by every backend

These may hold anything and go no further; the header \`x-mcp-ignored-fields\` names them. Any other field that is not known is refused by its name, so that a \`max_token\` does not go unnoticed.

${markdownTable(['wire', 'in a', 'ignored'], ignored)}
`;
  return { path: 'docs/wire-features.md', text };
}
