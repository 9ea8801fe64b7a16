import { readFileSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { parseArgs } from 'node:util';
import { AssetStore } from '@mcp/assets';
import type { DependencyStart, SecretOrigin, ServiceManifest } from '@mcp/contracts';
import {
  busStorageBytes,
  neededBy,
  SECRETS,
  type SecretName,
  type Stack,
  serviceEnvironment,
  services,
  servicesOf,
  stacks,
  storageBytes,
  VARIABLES,
} from '@mcp/stacks';
import { stringify } from 'yaml';
import { portOf, type Running, running } from '../charts/dependency/place.ts';
import { DATA_DIR } from '../charts/workload/environment.ts';
import { hostOf, type Workload, workloads } from '../context.ts';
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

/** A dependency with a container of its own. */
type ComposedDependency = Running & {
  readonly compose: NonNullable<Running['runs']['compose']>;
};

/** A variable of .env; with the command that makes it where it must be there. */
interface EnvFileRow {
  readonly variable: string;
  readonly make: string | undefined;
}
const BUS_PASSWORD: EnvFileRow = { variable: 'MCP_NATS_PASSWORD', make: 'openssl rand -hex 24' };

function envFileRow(name: SecretName): EnvFileRow {
  if (name === 'nats_password') return BUS_PASSWORD;
  const { variable, made } = SECRETS[name];
  return { variable, make: makeOf(made) };
}

/** How to make a value; undefined: it may be left out. */
function makeOf(made: SecretOrigin): string | undefined {
  switch (made.by) {
    case 'signing-key':
    case 'key-set':
      return 'npx mcp identity';
    case 'random':
      return 'openssl rand -hex 32';
    case 'sha256':
      return 'printf %s <your key> | openssl dgst -sha256';
    case 'operator':
      return undefined;
    default:
      return made satisfies never;
  }
}

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
  const beside = composed(stack);
  const keeping = beside.filter(({ runs }) => runs.volume !== undefined).map(({ name }) => name);
  const volumes = [...keeping, ...placed.map(({ manifest }) => manifest.name)].map((name) => `${name}-data`);
  return {
    name: 'mcp',
    services: {
      ...Object.fromEntries(beside.map((one) => [one.name, dependencyService(one)])),
      ...Object.fromEntries(placed.map((one) => [one.manifest.name, platformService(stack, one)])),
    },
    configs: Object.fromEntries(
      beside.flatMap((one) =>
        Object.entries(startOf(one).files).map(([file, text]) => [file, { content: escaped(text) }]),
      ),
    ),
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
    ...boundsOf(manifest.size),
    stop_grace_period: `${manifest.drain_s + GRACE_MARGIN_S}s`,
  };
}

/** A dependency from its manifest, with the one password that there is here. */
function dependencyService(one: ComposedDependency): ComposeService {
  const { name, runs, compose, here } = one;
  const { files, args, env } = startOf(one);
  return {
    image: `${here.image}${compose.tag_suffix ?? ''}`,
    command: args.map(escaped),
    ...(env.length === 0
      ? {}
      : {
          environment: Object.fromEntries(
            env.flatMap((variable) => ('value' in variable ? [[variable.name, variable.value]] : [])),
          ),
        }),
    configs: Object.keys(files).map((file) => ({ source: file, target: `${runs.config_dir}/${file}` })),
    healthcheck: healthcheck(['CMD', ...compose.healthcheck]),
    ...(runs.volume === undefined ? {} : { volumes: [`${name}-data:${runs.volume.dir}`] }),
    ...boundsOf(runs.size),
    stop_grace_period: `${compose.grace_s}s`,
  };
}

function startOf({ name, dependency, runs, here }: ComposedDependency): DependencyStart {
  const { ports } = dependency.manifest;
  return dependency.start({
    // One server of one region: ports for others of its kind stay closed.
    ports: Object.fromEntries(
      ports
        .filter(({ from }) => !from.some((caller) => caller === 'replicas' || caller === 'regions'))
        .map((port) => [port.name, port.number]),
    ),
    config_dir: runs.config_dir ?? '/',
    data_dir: runs.volume?.dir ?? '/',
    durable: true,
    ...(here.storage_gib === undefined ? {} : { storage_bytes: storageBytes(here.storage_gib) }),
    ...(name === 'nats' ? { password: referenceTo('nats_password') } : {}),
  });
}

/** The dependencies of a stack that have a container here. */
function composed(stack: Stack): ComposedDependency[] {
  return running(stack).flatMap((one) =>
    one.runs.compose === undefined ? [] : [{ ...one, compose: one.runs.compose }],
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
  const deploymentContext = {
    region: stack.regions[0]?.name ?? stack.name,
    host: '0.0.0.0',
    endpoints,
    data_dir: DATA_DIR,
    nats_address: `nats:${portOf('nats', 'client')}`,
    nats_storage_bytes: busStorageBytes(stack.kubernetes),
    secret: referenceTo,
    asset: (id: string) => weights.expected(id),
  };
  const said = serviceEnvironment(stack, placement, deploymentContext);
  // Paths of this machine mean nothing in a container.
  const operator = VARIABLES.filter((row) => row.operator && !row.name.endsWith('_DIR')).map(
    ({ name }): [string, string] => [name, `\${${name}:-${said[name] ?? ''}}`],
  );
  const secret = new Set(VARIABLES.filter((row) => row.secret).map(({ name }) => name));
  const chosen = new Map(operator);
  const all = serviceEnvironment(stack, placement, {
    ...deploymentContext,
    operator: Object.fromEntries(operator),
  });
  return Object.fromEntries(
    Object.entries(all).map(([name, value]) => [
      name,
      secret.has(name) || chosen.has(name) ? value : escaped(value),
    ]),
  );
}

function referenceTo(name: SecretName): string {
  const { variable, make } = envFileRow(name);
  return make === undefined
    ? `\${${variable}:-}`
    : `\${${variable}:?Put ${variable} into .env, made by: ${make}}`;
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
  const beside = composed(stack).map(({ name }): string => name);
  return [...new Set([...neededBy(inside).filter((name) => beside.includes(name)), ...hosts])];
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
function boundsOf({ cpu_limit, memory_limit }: ServiceManifest['size']): Record<string, unknown> {
  const limits = { cpus: coresOf(cpu_limit), memory: bytesOf(memory_limit) };
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
