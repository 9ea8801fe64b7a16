import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import {
  type FlagTable,
  type Metric,
  type MetricTable,
  type ServiceManifest,
  ServiceName,
  serviceVariable,
} from '@mcp/contracts';
import { dependencies } from '@mcp/dependencies';
import { CASES, type CaseName, caseOf } from '@mcp/model-backends/cases';
import { BACKENDS } from '@mcp/model-backends/registry';
import { RECOGNISERS } from '@mcp/safety/recognisers';
import { commonMetrics } from '@mcp/service-kit/manifest';
import {
  FLAGS,
  METRICS,
  SECRETS,
  services,
  servicesOf,
  stacks,
  VARIABLES,
  type VariableRow,
} from '@mcp/stacks';
import { type GeneratedPage, markdownTable, NOTE } from './page.ts';
import { ROOT } from './paths.ts';
import { ACCOUNTS } from './runner/sources.ts';
import { scalingText } from './stack-text.ts';
import { wireFeaturesPage } from './wire-text.ts';

/** What the commands on a developer's machine read beside the variables of services. */
const RUNNER_VARIABLES: readonly (readonly string[])[] = [
  ['MCP_DATA', 'Data directory, where `--data` is not given; `data` in the checkout otherwise.'],
  [
    'MCP_CACHE',
    "Where programs and weights are kept between checkouts; the system's place for caches otherwise.",
  ],
  ['MCP_KEY', 'The key of a platform elsewhere, for commands with `--url`.'],
  ['MCP_NATS_SERVER', 'A nats-server program to use instead of the one on PATH or in the cache.'],
  [
    'ONNXRUNTIME_NODE_INSTALL',
    '`skip` where install scripts are on with npm 10: nothing is looked for on the network.',
  ],
  ['HF_ENDPOINT', 'A mirror of the model hub.'],
  ...ACCOUNTS.filter(({ key_variable }) => !VARIABLES.some(({ name }) => name === key_variable)).map(
    ({ name, key_variable }) => [key_variable, `Offers the models of ${name} beside the embedded ones.`],
  ),
  [
    'MCP_PULUMI',
    'The Pulumi command that `npm run cluster:up` and `npm run test:cluster` use; `pulumi` on PATH, then `npx pulumi` otherwise.',
  ],
  ['MCP_CHROMIUM', 'The Chromium that the browser tests use.'],
  ['MCP_TEST_VAULT', 'A HashiCorp Vault that the tests of key management services start too.'],
  ['MCP_TEST_LOCAL_KMS', 'A local-kms (AWS) that they start too.'],
  ['MCP_TEST_MOTO', 'A Python with `moto[server]` (AWS) that they start too.'],
  ['NO_COLOR', 'No colour in the output.'],
  ['MCP_DEBUG', 'Errors of `mcp` with their stack.'],
];

/** docs/metrics_taxonomy.md, from the manifests. */
function metricsPage(metrics: MetricTable): GeneratedPage {
  const rows = Object.entries(metrics).map(([name, row]) => [
    `\`${name}\``,
    recordersOf(name),
    row.type,
    ['service', ...row.labels].map((label) => `\`${label}\``).join(', '),
    row.unit,
    row.category,
    row.help,
    alertsOf(row),
  ]);
  const text = `# Metrics taxonomy

${NOTE}

Services export these at \`GET /metrics\` (Prometheus text format). No other metric can be recorded: the names are typed. Each label takes at most 100 values, further ones are counted as \`other\`. The process metrics of prom-client (\`process_*\`, \`nodejs_*\`) come on top.

${markdownTable(['metric', 'services', 'type', 'labels', 'unit', 'category', 'meaning', 'alerts'], rows)}
`;
  return { path: 'docs/metrics_taxonomy.md', text };
}

function recordersOf(metric: string): string {
  if (metric in commonMetrics) return 'all';
  return Object.values<ServiceManifest>(services)
    .filter(({ metrics }) => metric in metrics)
    .map(({ name }) => name)
    .join(', ');
}

function alertsOf({ alerts = [] }: Metric): string {
  return alerts.map(({ name }) => `\`${name}\``).join(', ') || '–';
}

/** Who gets a variable, in words. */
function usersOf({ uses }: VariableRow): string {
  const conditions = uses.filter(({ only_with }) => only_with !== undefined);
  if (conditions.length === 0 && uses.length === ServiceName.options.length) return 'all';
  return uses
    .map(({ service, only_with }) => (only_with === undefined ? service : `${service} (with ${only_with})`))
    .join(', ');
}

/** What sets it, in words. */
function setterOf({ secret, operator, from }: VariableRow): string {
  if (secret) return 'secret';
  if (!operator) return 'stack';
  return from === undefined ? 'you' : 'stack, or you';
}

/** docs/configuration.md, from the manifests. */
function configurationPage(flags: FlagTable): GeneratedPage {
  const variables = VARIABLES.map((row) => [`\`${row.name}\``, usersOf(row), setterOf(row), row.meaning]);
  const names = Object.values(services).flatMap((manifest) => [
    [
      `\`${serviceVariable(manifest.name, 'URL')}\``,
      `Where ${manifest.name} is to be found, for those who call it.`,
    ],
    [`\`${serviceVariable(manifest.name, 'PORT')}\``, `Port it listens on instead of ${manifest.port}.`],
  ]);
  const text = `# Configuration

${NOTE}

A stack (\`stacks/*.ts\`) says what runs where; \`stacks/environment.ts\` turns it into the environment of each service, the same on your machine and in a cluster. What is set by "you", or by "stack, or you", may be set around \`npm start\` and then wins over the stack. An empty variable counts as unset.

## Variables

${markdownTable(['variable', 'services', 'set by', 'meaning'], variables)}

## On your machine

What \`npm start\` and \`npx mcp\` read beside these. Secrets are made once, in \`secrets/\` of the data directory; these may be set around the command instead: ${givenSecrets()}.

${markdownTable(
  ['variable', 'meaning'],
  RUNNER_VARIABLES.map(([name = '', meaning = '']) => [`\`${name}\``, meaning]),
)}

## Where services are

${markdownTable(['variable', 'meaning'], names)}

## Feature flags

Set one to \`true\` or \`false\` around \`npm start\`, or in \`features\` of a stack. \`npx mcp flags\` lists them with their values.

${markdownTable(
  ['flag', 'default', 'meaning'],
  Object.entries(flags).map(([name, row]) => [`\`${name}\``, row.default ? 'on' : 'off', row.description]),
)}
`;
  return { path: 'docs/configuration.md', text };
}

/** docs/services.md, from the manifests and stacks. */
function servicesPage(): GeneratedPage {
  const rows = Object.values(services).map((manifest) => [
    manifest.name,
    String(manifest.port),
    manifest.summary,
    manifest.calls.join(', ') || '–',
    [...manifest.needs, ...manifest.egress].join(', ') || '–',
    size(manifest),
    scalingText(manifest.scaling),
    `p95 ≤ ${manifest.slo.p95_ms} ms, errors ≤ ${manifest.slo.error_ratio * 100} %`,
    `${manifest.drain_s} s`,
  ]);
  const placed = Object.values(stacks).map((stack) => [
    stack.name,
    stack.regions.map((region) => `${region.name} (${region.residency})`).join(', '),
    stack.services.map((placement) => servicesOf(placement).join(' + ')).join(', '),
    stack.models.map((model) => model.id).join(', '),
  ]);
  const text = `# Services

${NOTE}

Each service says what it needs in \`apps/<name>/manifest.ts\`; the local process, the pod and everything around it derive from that.

${markdownTable(['service', 'port', 'what it does', 'calls', 'needs and reaches', 'size', 'scaling', 'SLO', 'drains in'], rows)}

## Dependencies

Infrastructure that they need beside each other, by \`dependencies/<name>/manifest.ts\` ([infrastructure.md](infrastructure.md#dependencies)).

${markdownTable(['dependency', 'what it is', 'ports, and who may come in', 'run by the platform', 'with npm start'], dependencyRows())}

## Stacks

${markdownTable(['stack', 'regions', 'services (+ means one process)', 'models'], placed)}
`;
  return { path: 'docs/services.md', text };
}

/** The table of backends in docs/backends.md, from their manifests; the rest of that page is written by hand. */
function backendsPage(): GeneratedPage {
  const path = 'docs/backends.md';
  const rows = Object.values(BACKENDS).map(({ manifest }) => [
    `\`${manifest.name}\``,
    manifest.summary,
    manifest.runs === 'elsewhere' ? 'a server elsewhere' : 'in the process',
    Object.keys(manifest.settings)
      .map((name) => `\`${name}\``)
      .join(', '),
  ]);
  const tables = {
    backends: markdownTable(['backend', 'what it asks', 'models run in', 'settings'], rows),
    conformance: conformanceTable(),
    published: publishedTable(),
  };
  return { path, text: withTables(path, tables) };
}

/** A page that is written by hand, with its tables as they are now. */
function withTables(path: string, tables: Readonly<Record<string, string>>): string {
  let text = readFileSync(join(ROOT, path), 'utf8');
  for (const [name, table] of Object.entries(tables)) {
    const marks = new RegExp(`(<!-- ${name}: written by \`npx mcp docs\` -->\\n)[^]*?(\\n<!-- /${name} -->)`);
    text = text.replace(marks, (_, begin: string, end: string) => `${begin}${table}${end}`);
  }
  return text;
}

/** The table of recognisers in docs/personal-data.md, from their registry. */
function personalDataPage(): GeneratedPage {
  const path = 'docs/personal-data.md';
  const rows = RECOGNISERS.map(({ name, kind, checked }) => [name, `\`${kind}\``, checked]);
  return {
    path,
    text: withTables(path, { recognisers: markdownTable(['recogniser', 'kind', 'checked'], rows) }),
  };
}

/** Which case of the conformance suite is run for which backend, and how its server is asked where there are several ways. */
function conformanceTable(): string {
  const cells = { tested: '✓', 'not offered': 'not offered by the provider', none: '–' } as const;
  const columns = Object.values(BACKENDS).flatMap(({ manifest }) =>
    manifest.transports.map((transport) => ({ manifest, transport })),
  );
  const rows = (Object.keys(CASES) as CaseName[]).map((name) => [
    CASES[name].title,
    ...columns.map(({ manifest, transport }) => cells[caseOf(manifest, name, transport)]),
  ]);
  const heads = columns.map(({ manifest: { name, transports }, transport }) =>
    transports.length === 1 ? name : `${name}, ${{ http: 'HTTP', grpc: 'gRPC' }[transport]}`,
  );
  return markdownTable(['case', ...heads], rows);
}

/** What providers published about their models, with the source and its date. */
function publishedTable(): string {
  const usd = (price: number | null | undefined) => (price == null ? 'unknown' : String(price));
  const rows = Object.values(BACKENDS).flatMap(({ manifest: { name, published } }) =>
    Object.entries(published?.models ?? {}).map(([id, facts]) => [
      name,
      `\`${id}\``,
      facts.max_context === undefined ? 'unknown' : facts.max_context.toLocaleString('en'),
      [facts.cost_input_per_mtok_usd, facts.cost_cached_input_per_mtok_usd, facts.cost_output_per_mtok_usd]
        .map(usd)
        .join(' / '),
      facts.capabilities?.join(', ') ?? '–',
      `[${published?.date}](${published?.source})${published?.note === undefined ? '' : `: ${published.note}`}`,
    ]),
  );
  const head = ['backend', 'model', 'context', 'US$ per million: input / cached / output', 'can', 'source'];
  return markdownTable(head, rows);
}

/** Every generated page, from the tables as they are now. */
export async function generatedPages(): Promise<GeneratedPage[]> {
  return [
    metricsPage(METRICS),
    configurationPage(FLAGS),
    servicesPage(),
    backendsPage(),
    personalDataPage(),
    await wireFeaturesPage(),
  ];
}

/** What each dependency is, in words. */
function dependencyRows(): string[][] {
  return Object.values(dependencies).map(({ manifest: { name, summary, ports, runs, local } }) => [
    name,
    summary,
    ports
      .map(({ name: port, number, from }) => `${port} ${number} (${from.join(', ') || 'probes'})`)
      .join('; '),
    runs === undefined ? 'no' : `\`${runs.image}\`${runs.volume === undefined ? '' : ', on volumes'}`,
    local === undefined ? 'without it' : `\`${local.program}\``,
  ]);
}

/** Variables of secrets that an operator may give. */
function givenSecrets(): string {
  return Object.values(SECRETS)
    .filter(({ made }) => made.by === 'operator' || (made.by === 'random' && made.given !== undefined))
    .map(({ variable }) => `\`${variable}\``)
    .join(', ');
}

function size(manifest: ServiceManifest): string {
  const { cpu_request, cpu_limit, memory_request, memory_limit } = manifest.size;
  return `${cpu_request}–${cpu_limit} cpu, ${memory_request}–${memory_limit}`;
}
