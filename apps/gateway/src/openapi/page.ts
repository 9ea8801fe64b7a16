/** The OpenAPI document as one page of HTML to read: no script, nothing to load. */
import { html, raw } from 'hono/html';
import type { OpenApiDocument, Operation } from './document.ts';

type Html = ReturnType<typeof html>;
type Schema = Readonly<Record<string, unknown>>;
/** Levels of a schema that the page opens; the document has all. */
const MAX_LEVELS = 6;

export const PAGE_STYLE = `
:root { color-scheme: light dark; --line: color-mix(in srgb, currentColor 20%, transparent); }
body { font: 16px/1.5 system-ui, sans-serif; max-width: 62rem; margin: 0 auto; padding: 1rem; }
h2 { margin-top: 3rem; }
section { border-top: 1px solid var(--line); padding: 0.5rem 0; }
code, pre { font: 0.875em/1.5 ui-monospace, monospace; overflow-wrap: anywhere; }
pre { border: 1px solid var(--line); border-radius: 0.5rem; overflow-x: auto; padding: 0.75rem; }
h3 { font-size: 1rem; }
h3 b { display: inline-block; min-width: 4.5rem; }
table { border-collapse: collapse; width: 100%; }
th, td { border-bottom: 1px solid var(--line); padding: 0.25rem 0.75rem 0.25rem 0; text-align: left; vertical-align: top; }
ul { padding-left: 1.25rem; }
nav ul { list-style: none; padding: 0; columns: 18rem; }
summary { cursor: pointer; }
`;

export function documentPage(document: OpenApiDocument): string {
  const operations = Object.entries(document.paths).flatMap(([path, methods]) =>
    Object.entries(methods).map(([method, operation]) => ({ method: method.toUpperCase(), path, operation })),
  );
  const groups = document.tags.map(({ name, description }) => ({
    name,
    description,
    operations: operations.filter(({ operation }) => operation.tags.includes(name)),
  }));
  const { schemas = {} } = document.components;
  const page = html`<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width">
<title>${document.info.title}: interface</title>
<style>${raw(PAGE_STYLE)}</style>
</head>
<body>
<h1>${document.info.title}</h1>
<p>${inline(document.info.description)} The document for tools: <a href="/openapi.json">/openapi.json</a> (OpenAPI ${document.openapi}).</p>
<nav><ul>${operations.map(({ method, path, operation }) => html`<li><a href="#${operation.operationId}">${method} ${path}</a></li>`)}</ul></nav>
<main>
${groups.map(
  (group) => html`<h2>${group.description}</h2>
${group.operations.map((one) => operationSection(one))}`,
)}
<h2>Schemas</h2>
${Object.entries(schemas).map(
  ([
    name,
    schema,
  ]) => html`<section id="schema-${name}"><h3>${name}</h3>${schemaHtml(schema as Schema, 0)}</section>
`,
)}
</main>
</body>
</html>
`;
  return String(page);
}

function operationSection({
  method,
  path,
  operation,
}: {
  readonly method: string;
  readonly path: string;
  readonly operation: Operation;
}): Html {
  const { parameters = [], requestBody, responses, security, description } = operation;
  const scope = security[0]?.bearer?.[0];
  const own = parameters.filter((one) => typeof one.name === 'string');
  const body = requestBody?.content['application/json'];
  return html`<section id="${operation.operationId}">
<h3><b>${method}</b> <code>${path}</code></h3>
<p>${operation.summary}. ${description === undefined ? '' : inline(description)} ${scope === undefined ? 'For everybody.' : html`Scope: <code>${scope}</code>.`}</p>
${
  own.length === 0
    ? ''
    : html`<table><thead><tr><th>parameter</th><th>in</th><th>meaning</th></tr></thead><tbody>${own.map(
        (one) =>
          html`<tr><td><code>${one.name}</code></td><td>${one.in}</td><td>${inline(String(one.description ?? ''))} ${typeOf(one.schema as Schema)}</td></tr>`,
      )}</tbody></table>`
}
${body === undefined ? '' : html`<p>Body: ${typeOf(body.schema)}</p><pre>${JSON.stringify(body.example, null, 2)}</pre>`}
<table><thead><tr><th>status</th><th>meaning</th><th>body</th></tr></thead><tbody>${Object.entries(
    responses,
  ).map(
    ([status, answer]) =>
      html`<tr><td>${status}</td><td>${inline(answer.description)}</td><td>${Object.entries(
        answer.content ?? {},
      ).map(([type, { schema }]) => html`<div><code>${type}</code> ${typeOf(schema)}</div>`)}</td></tr>`,
  )}</tbody></table>
</section>
`;
}

/** Text whose words in backquotes are code. */
function inline(text: string): Html {
  const parts = text.split('`');
  return html`${parts.map((part, at) => (at % 2 === 1 ? html`<code>${part}</code>` : part))}`;
}

/** What a value is, in a word or a few. */
function typeOf(schema: Schema): Html {
  const { $ref, type, enum: values, const: value, items } = schema;
  if (typeof $ref === 'string') {
    const name = $ref.split('/').at(-1) ?? '';
    return html`<a href="#schema-${name}">${name}</a>`;
  }
  if (Array.isArray(values))
    return html`${values.map((one, at) => html`${at === 0 ? '' : ', '}<code>${JSON.stringify(one)}</code>`)}`;
  if (value !== undefined) return html`<code>${JSON.stringify(value)}</code>`;
  const options = optionsOf(schema);
  if (options.length > 0)
    return html`${options.map((one, at) => html`${at === 0 ? '' : ' or '}${typeOf(one)}`)}`;
  if (type === 'array' && typeof items === 'object' && items !== null)
    return html`list of ${typeOf(items as Schema)}`;
  const bounds = (['minLength', 'maxLength', 'minimum', 'maximum'] as const)
    .filter(
      (keyword) => typeof schema[keyword] === 'number' && Math.abs(Number(schema[keyword])) < 2 ** 53 - 1,
    )
    .map((keyword) => `${keyword} ${schema[keyword]}`);
  const word = Array.isArray(type) ? type.join(' or ') : String(type ?? 'anything');
  return html`${word}${bounds.length === 0 ? '' : ` (${bounds.join(', ')})`}`;
}

function optionsOf(schema: Schema): readonly Schema[] {
  return [schema.anyOf, schema.oneOf].flatMap((one) => (Array.isArray(one) ? (one as Schema[]) : []));
}

/** The fields of a schema, and of what is in them. */
function schemaHtml(schema: Schema, level: number): Html | '' {
  if (level > MAX_LEVELS) return '';
  const { properties, items, description } = schema;
  const said = typeof description === 'string' ? inline(description) : '';
  const required = Array.isArray(schema.required) ? schema.required : [];
  if (typeof properties === 'object' && properties !== null)
    return html`${level === 0 ? said : ''}<ul>${Object.entries(properties as Record<string, Schema>).map(
      ([name, field]) =>
        html`<li><code>${name}</code>${required.includes(name) ? ' (required)' : ''}: ${typeOf(field)} ${typeof field.description === 'string' ? inline(field.description) : ''}${schemaHtml(field, level + 1)}</li>`,
    )}</ul>`;
  if (typeof items === 'object' && items !== null) return schemaHtml(items as Schema, level);
  const options = optionsOf(schema).filter((one) => JSON.stringify(one).includes('properties'));
  return html`${level === 0 ? html`${said} ${typeOf(schema)}` : ''}${options.map(
    (one) => html`<details><summary>${titleOf(one)}</summary>${schemaHtml(one, level + 1)}</details>`,
  )}`;
}

/** What tells an option from the others: the value of its `type` or `role`. */
function titleOf(schema: Schema): string {
  const fields = (schema.properties ?? {}) as Record<string, Schema | undefined>;
  const value = fields.type?.const ?? fields.role?.const ?? schema.type;
  return String(value ?? 'one form');
}
