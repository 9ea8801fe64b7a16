import { readFileSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { parseArgs } from 'node:util';
import { AssetStore } from '@mcp/assets';
import type { ServiceManifest } from '@mcp/contracts';
import {
  busStorageBytes,
  type SecretName,
  type Stack,
  serviceEnvironment,
  services,
  servicesOf,
  serviceVariable,
  signingKeyOf,
  signingServices,
  stacks,
  VARIABLES,
} from '@mcp/stacks';
import { stringify } from 'yaml';
import { NATS_MONITOR_PORT } from '../charts/dependency/nats.ts';
import { DATA_DIR } from '../charts/workload/environment.ts';
import { hostOf, NATS, type Workload, workloads } from '../context.ts';
import { MODELS_DIR, weightsOf } from '../weights.ts';

const FILE = join(dirname(fileURLToPath(import.meta.url)), '..', '..', 'docker-compose.dev.yml');
const COMMAND = 'npm run compose';
const USAGE = `usage: ${COMMAND} [-- --check]

Writes docker-compose.dev.yml from the stack local; with --check says only whether the file is what it would write.`;

const HEADER = `# Written by \`${COMMAND}\` from stacks/local.ts and apps/*/manifest.ts: change those, not this file.
# Start: docker compose -f docker-compose.dev.yml up --build
# Secrets are read from .env (not committed); a missing one stops the start with the command that makes it.
# The admin key is yours to choose: its SHA-256 is MCP_ADMIN_KEY_HASH. Variables of docs/configuration.md may stand there too.
`;

/** What the blueprint has reachable on the machine itself; everything else stays inside. */
const PUBLISHED = new Set(['gateway', 'model-gateway']);
/** Weights of a gigabyte may come through a slow line before the first start. */
const WEIGHTS_START_PERIOD = '30m';
const GRACE_MARGIN_S = 5;

const NATS_BOUNDS = { cpus: '1', memory: '1g' };

/** Variables of .env that must be there, and how to make each. */
const REQUIRED: Readonly<Partial<Record<SecretName, { variable: string; make: string }>>> = {
  service_jwks: { variable: 'MCP_SERVICE_JWKS', make: 'npx mcp identity' },
  ...Object.fromEntries(
    signingServices.map((name) => [
      signingKeyOf(name),
      { variable: serviceVariable(name, 'SIGNING_KEY'), make: 'npx mcp identity' },
    ]),
  ),
  prov_secret: { variable: 'PROV_SECRET', make: 'openssl rand -hex 32' },
  nats_password: { variable: 'MCP_NATS_PASSWORD', make: 'openssl rand -hex 24' },
  admin_key_hash: { variable: 'MCP_ADMIN_KEY_HASH', make: 'printf %s <your key> | openssl dgst -sha256' },
};
/** Variables of .env that may be there. */
const OPTIONAL: Readonly<Partial<Record<SecretName, string>>> = {
  openai_api_key: 'OPENAI_API_KEY',
  openai_targets: 'OPENAI_TARGETS',
};

interface Healthcheck {
  readonly test: readonly string[];
  readonly interval: string;
  readonly timeout: string;
  readonly retries: number;
  readonly start_period: string;
}

/** What this program writes of a Compose service (compose-spec, services). */
interface ComposeService {
  readonly image?: string;
  readonly build?: { context: string; target: string; args: Record<string, string> };
  readonly healthcheck: Healthcheck;
  readonly ports?: readonly string[];
  readonly [field: string]: unknown;
}

interface ComposeFile {
  readonly name: string;
  readonly services: Readonly<Record<string, ComposeService>>;
  readonly configs: Readonly<Record<string, { content: string }>>;
  readonly volumes: Readonly<Record<string, Record<string, never>>>;
}

/** The text of docker-compose.dev.yml for a stack. Pure: the same stack gives the same text. */
export function composeText(stack: Stack): string {
  return `${HEADER}${stringify(composeOf(stack), { lineWidth: 0, aliasDuplicateObjects: false })}`;
}

function composeOf(stack: Stack): ComposeFile {
  const placed = workloads(stack);
  const holders = placed.filter(holdsModels);
  const volumes = [NATS, ...placed.map(({ manifest }) => manifest.name)].map((name) => `${name}-data`);
  return {
    name: 'mcp',
    services: {
      [NATS]: natsService(stack),
      ...Object.fromEntries(placed.map((one) => [one.manifest.name, platformService(stack, one)])),
    },
    configs: { 'nats.conf': { content: natsConfig(stack) } },
    volumes: Object.fromEntries(
      [...volumes, ...(holders.length > 0 ? ['models'] : [])].map((name) => [name, {}]),
    ),
  };
}

/** A service from the Dockerfile's target `dev`: its sources are mounted, and it is restarted when one changes. */
function platformService(stack: Stack, workload: Workload): ComposeService {
  const { manifest, inside } = workload;
  const weights = holdsModels(workload);
  const needs = needsOf(stack, inside);
  return {
    build: { context: '.', target: 'dev', args: { SERVICE: manifest.name } },
    ...(weights ? { entrypoint: ['/bin/sh', '-c', fetchThenStart(stack)] } : {}),
    environment: environmentOf(stack, workload),
    ...(PUBLISHED.has(manifest.name) ? { ports: [published(manifest.port)] } : {}),
    ...(needs.length > 0
      ? { depends_on: Object.fromEntries(needs.map((name) => [name, { condition: 'service_healthy' }])) }
      : {}),
    healthcheck: healthcheck(
      ['CMD', 'node', '-e', probeOf(manifest.port)],
      weights ? { start_period: WEIGHTS_START_PERIOD } : {},
    ),
    volumes: [
      './packages:/app/packages:ro',
      ...inside.map(({ name }) => `./apps/${name}:/app/apps/${name}:ro`),
      `${manifest.name}-data:${DATA_DIR}`,
      ...(weights ? [`models:${MODELS_DIR}`] : []),
    ],
    ...locked({ cpus: coresOf(manifest.size.cpu_limit), memory: bytesOf(manifest.size.memory_limit) }),
    stop_grace_period: `${manifest.drain_s + GRACE_MARGIN_S}s`,
  };
}

function natsService(stack: Stack): ComposeService {
  return {
    // The image without a system has nothing that could look at its health.
    image: `${stack.kubernetes.nats.image}-alpine`,
    command: ['--config', '/etc/nats/nats.conf'],
    // Quoted once more: nats-server would read a password of digits as a number.
    environment: { NATS_PASSWORD: `"${required('nats_password')}"` },
    configs: [{ source: 'nats.conf', target: '/etc/nats/nats.conf' }],
    healthcheck: healthcheck([
      'CMD',
      'wget',
      '-q',
      '-O',
      '/dev/null',
      `http://127.0.0.1:${NATS_MONITOR_PORT}/healthz?js-server-only=true`,
    ]),
    volumes: [`${NATS}-data:/data`],
    ...locked(NATS_BOUNDS),
    stop_grace_period: '15s',
  };
}

function natsConfig(stack: Stack): string {
  return escaped(
    [
      `port: ${stack.nats.port}`,
      `http_port: ${NATS_MONITOR_PORT}`,
      'max_payload: 8MB',
      `jetstream { store_dir: "/data", sync_interval: always, max_file_store: ${busStorageBytes(stack.kubernetes)} }`,
      'authorization { user: "mcp", password: $NATS_PASSWORD }',
      '',
    ].join('\n'),
  );
}

/** The environment that Kubernetes and `npm start` give too; .env has the secrets and may say otherwise. */
function environmentOf(stack: Stack, { placement }: Workload): Record<string, string> {
  const endpoints = Object.fromEntries(
    stack.services
      .flatMap((one) => servicesOf(one))
      .map((name) => [name, `http://${hostOf(stack, name)}:${services[name].port}`]),
  );
  const weights = new AssetStore({ cache_dir: MODELS_DIR, env: {} });
  const surroundings = {
    region: stack.regions[0]?.name ?? stack.name,
    host: '0.0.0.0',
    endpoints,
    data_dir: DATA_DIR,
    nats_address: `${NATS}:${stack.nats.port}`,
    nats_storage_bytes: busStorageBytes(stack.kubernetes),
    secret: referenceTo,
    asset: (id: string) => weights.expected(id),
  };
  const said = serviceEnvironment(stack, placement, surroundings);
  // Paths of this machine mean nothing in a container.
  const operator = VARIABLES.filter((row) => row.operator === true && !row.name.endsWith('_DIR')).map(
    ({ name }): [string, string] => [name, `\${${name}:-${said[name] ?? ''}}`],
  );
  const secret = new Set(VARIABLES.filter((row) => row.secret === true).map(({ name }) => name));
  const chosen = new Map(operator);
  const all = serviceEnvironment(stack, placement, {
    ...surroundings,
    operator: Object.fromEntries(operator),
  });
  return Object.fromEntries(
    Object.entries(all).map(([name, value]) => [
      name,
      secret.has(name) || chosen.has(name) ? value : escaped(value),
    ]),
  );
}

function referenceTo(name: SecretName): string | undefined {
  const optional = OPTIONAL[name];
  if (optional !== undefined) return `\${${optional}:-}`;
  return REQUIRED[name] === undefined ? undefined : required(name);
}

function required(name: SecretName): string {
  const row = REQUIRED[name];
  if (row === undefined) throw new Error(`The secret ${name} has no variable in .env.`);
  return `\${${row.variable}:?Put ${row.variable} into .env, made by: ${row.make}}`;
}

/** Compose replaces what follows a dollar sign; two of them are one. */
function escaped(text: string): string {
  return text.replaceAll('$', '$$$$');
}

function fetchThenStart(stack: Stack): string {
  const ids = weightsOf(stack)?.assets ?? [];
  return escaped(
    `MCP_CACHE=${MODELS_DIR} node --disable-warning=ExperimentalWarning packages/assets/src/cli.ts ${ids.join(' ')} && exec node --disable-warning=ExperimentalWarning --watch --watch-preserve-output "apps/$SERVICE/src/main.ts"`,
  );
}

function holdsModels({ inside }: Workload): boolean {
  return inside.some(({ weights }) => weights);
}

function needsOf(stack: Stack, inside: readonly ServiceManifest[]): string[] {
  const names = new Set(inside.map(({ name }) => name));
  const hosts = inside
    .flatMap(({ calls }) => calls.filter((name) => !names.has(name)))
    .map((name) => hostOf(stack, name));
  return [...new Set([...(inside.some(({ needs }) => needs.includes('nats')) ? [NATS] : []), ...hosts])];
}

/** Only for this machine: nobody else on the network reaches it. */
function published(port: number): string {
  return `127.0.0.1:${port}:${port}`;
}

function probeOf(port: number): string {
  return `fetch('http://127.0.0.1:${port}/readyz').then((r) => process.exit(r.ok ? 0 : 1), () => process.exit(1))`;
}

function healthcheck(
  test: readonly string[],
  { start_period = '30s' }: { start_period?: string } = {},
): Healthcheck {
  return { test, interval: '5s', timeout: '5s', retries: 6, start_period };
}

/** What every container has: bounds, and no right that it does not need. */
function locked(limits: { cpus: string; memory: string }): Record<string, unknown> {
  return {
    deploy: { resources: { limits } },
    restart: 'unless-stopped',
    init: true,
    read_only: true,
    tmpfs: ['/tmp'],
    cap_drop: ['ALL'],
    security_opt: ['no-new-privileges:true'],
  };
}

/** `500m` is half a core. */
function coresOf(quantity: string): string {
  return quantity.endsWith('m') ? String(Number(quantity.slice(0, -1)) / 1000) : quantity;
}

/** `512Mi` is `512m`: Compose counts in powers of two. */
function bytesOf(quantity: string): string {
  return quantity.replace(/([MG])i$/, (_, unit: string) => unit.toLowerCase());
}

function main(): void {
  const { values } = parseArgs({
    options: { check: { type: 'boolean' }, help: { type: 'boolean', short: 'h' } },
  });
  const stack = stacks.local;
  if (values.help === true || stack === undefined) {
    process.stdout.write(`${USAGE}\n`);
    return;
  }
  const text = composeText(stack);
  if (values.check !== true) {
    writeFileSync(FILE, text);
    process.stdout.write(`${FILE} is written\n`);
  } else if (readFileSync(FILE, 'utf8') !== text) {
    process.stderr.write(`${FILE} is stale: ${COMMAND}\n`);
    process.exitCode = 1;
  }
}

if (import.meta.main) main();
