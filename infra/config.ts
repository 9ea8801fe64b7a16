import { BlockList, isIP } from 'node:net';
import { canonical, type DeclaredSecret, type ExternalHost, SECRETS, type Stack, stacks } from '@mcp/stacks';
import * as pulumi from '@pulumi/pulumi';
import { fault } from './kit/fault.ts';

/** Secrets that an operator may give; those left out are made and kept in the state. */
const GIVEN = Object.values(SECRETS).filter(
  ({ made }) => made.by === 'operator' || (made.by === 'random' && made.given !== undefined),
);
/** Certificates of the event buses, which are no setting of any service. */
const NATS_TLS_KEYS = ['natsTlsCa', 'natsTlsCert', 'natsTlsKey'] as const;

type Camel<S extends string> = S extends `${infer A}_${infer B}` ? `${A}${Capitalize<Camel<B>>}` : S;
export type SecretKey = Camel<DeclaredSecret> | (typeof NATS_TLS_KEYS)[number];

/** What a secret is called in `Pulumi.<stack>.yaml`: `database_url` is `databaseUrl`. */
export function configKeyOf<N extends DeclaredSecret>(name: N): Camel<N> {
  return name.replace(/_([a-z])/g, (_, letter: string) => letter.toUpperCase()) as Camel<N>;
}

export interface ProgramConfig {
  readonly stack: Stack;
  readonly secrets: Readonly<Partial<Record<SecretKey, pulumi.Output<string>>>>;
  /** Generations of the services' signing keys: the first signs, all are believed. */
  readonly signing_keys: readonly string[];
  /** Kubeconfig (content or path) by region; others use the region's context of the current one. */
  readonly kubeconfigs: Readonly<Record<string, pulumi.Output<string>>>;
}

const MIN_SECRET_CHARS = 32;
const MAX_GENERATIONS = 2;

/** Reads and checks the configuration of `Pulumi.<stack>.yaml`. Throws one error that names every fault. */
export function readConfig(): ProgramConfig {
  const config = new pulumi.Config();
  const name = config.get('stack') || pulumi.getStack();
  const written = stacks[name];
  if (written === undefined)
    throw fault([
      `There is no stack '${name}' in stacks/. There are: ${Object.keys(stacks).join(', ')}. Choose one (pulumi stack select), or name it in the config mcp:stack.`,
    ]);
  const stack = canonical(written);
  const secrets: Partial<Record<SecretKey, pulumi.Output<string>>> = {};
  for (const key of [...GIVEN.map(({ name }) => configKeyOf(name)), ...NATS_TLS_KEYS]) {
    // An empty value is none: what a shell makes of a variable that is not set.
    const value = config.get(key) ? config.getSecret(key) : undefined;
    if (value !== undefined) secrets[key] = value;
  }
  const signing_keys = (config.get('signingKeys') || '1').split(',').map((one) => one.trim());
  const faults = [
    ...wrongKeys(signing_keys),
    ...missing(stack, secrets),
    ...halfOf(secrets),
    ...short((key) => config.get(key) || undefined),
    ...unreachable(stack, config.get('databaseUrl') || undefined),
  ];
  if (faults.length > 0) throw fault(faults);
  const kubeconfigs = Object.fromEntries(
    stack.regions.flatMap((region) => {
      const value = config.getSecret(`kubeconfig-${region.name}`);
      return value === undefined ? [] : [[region.name, value]];
    }),
  );
  return { stack, secrets, signing_keys, kubeconfigs };
}

/** The secrets that the operator of a stack must give. */
export function requiredSecrets(stack: Stack): readonly SecretKey[] {
  if (stack.kubernetes.database !== 'external') return [];
  return GIVEN.filter(
    ({ made }) =>
      (made.by === 'operator' && made.required !== undefined) ||
      (made.by === 'random' && made.given === 'external-database'),
  )
    .map(({ name }) => configKeyOf(name))
    .sort();
}

/** One line, whatever the number. */
function missing(stack: Stack, given: Readonly<Partial<Record<SecretKey, unknown>>>): string[] {
  const keys = requiredSecrets(stack).filter((key) => given[key] === undefined);
  if (keys.length === 0) return [];
  const names = keys.map((key) => `mcp:${key}`).join(', ');
  return [
    `The stack ${stack.name} needs ${keys.length === 1 ? 'a secret that is' : 'secrets that are'} not set: ${names}. Set each: pulumi config set --secret <name> <value>`,
  ];
}

/** A certificate is of use with its key and its authority alone. */
function halfOf(given: Readonly<Partial<Record<SecretKey, unknown>>>): string[] {
  const absent = NATS_TLS_KEYS.filter((key) => given[key] === undefined).map((key) => `mcp:${key}`);
  return absent.length === 0 || absent.length === NATS_TLS_KEYS.length
    ? []
    : [
        `The certificate of the event buses is incomplete: ${absent.join(', ')} is not set. Set it, or none of mcp:natsTlsCa, mcp:natsTlsCert and mcp:natsTlsKey: then the platform makes its own.`,
      ];
}

function wrongKeys(generations: readonly string[]): string[] {
  const fits =
    generations.length <= MAX_GENERATIONS &&
    generations.every((one) => /^[1-9]\d{0,5}$/.test(one)) &&
    new Set(generations).size === generations.length;
  return fits
    ? []
    : [
        `The setting mcp:signingKeys is '${generations.join(',')}': it must be one number, or two while a key is exchanged, such as 1,2 (docs/runbooks/rotate-signing-keys.md).`,
      ];
}

const POSTGRES_PORT = 5432;

/** A database that no rule of the stack lets core reach would be found only by a pod that starts again and again. */
function unreachable(stack: Stack, databaseUrl: string | undefined): string[] {
  const { database, egress } = stack.kubernetes;
  if (databaseUrl === undefined || database !== 'external') return [];
  const url = URL.parse(databaseUrl);
  if (url === null)
    return ['The secret mcp:databaseUrl is no URL. Set one: postgres://user:password@host:5432/name'];
  const port = Number(url.port || POSTGRES_PORT);
  const address = url.hostname.replace(/^\[|\]$/g, '');
  const known = isIP(address) !== 0;
  if (egress.database.some((rule) => rule.port === port && (!known || contains(rule, address)))) return [];
  return [
    `The database of mcp:databaseUrl (${known ? `${address}, ` : ''}port ${port}) is in no rule of egress.database of the stack ${stack.name}, so no NetworkPolicy lets core reach it. Add one to stacks/${stack.name}.ts: { cidr: '${known ? address : '<its address>'}/${isIP(address) === 6 ? 128 : 32}', port: ${port} }`,
  ];
}

function contains({ cidr, except }: ExternalHost, address: string): boolean {
  const blockOf = (text: string) => {
    const [net = '', bits = ''] = text.split('/');
    const list = new BlockList();
    list.addSubnet(net, Number(bits), isIP(net) === 6 ? 'ipv6' : 'ipv4');
    return list.check(address, isIP(address) === 6 ? 'ipv6' : 'ipv4');
  };
  return blockOf(cidr) && !except.some(blockOf);
}

/** What would be random if it were not given must be as hard to guess. */
function short(given: (key: SecretKey) => string | undefined): string[] {
  return GIVEN.filter(({ made }) => made.by === 'random').flatMap(({ name }) => {
    const key = configKeyOf(name);
    const value = given(key);
    return value === undefined || value.length >= MIN_SECRET_CHARS
      ? []
      : [
          `The secret mcp:${key} has ${value.length} characters, at least ${MIN_SECRET_CHARS} are needed: openssl rand -hex 32`,
        ];
  });
}
