/** Model servers on this machine and accounts in the environment, found as the manifests of backends say. */

import { type BackendDiscovery, jsonOf } from '@mcp/contracts';
import { BACKENDS, BackendName } from '@mcp/model-backends/registry';
import { fetchText } from './probe.ts';

const PROBE_MS = 700;
const MAX_LISTED = 5;

/** A model server or an account that was found beside the embedded models. */
export interface FoundSource {
  readonly name: string;
  readonly backend: BackendName;
  readonly base_url: string;
  /** The environment variable that holds its key. The key itself is not read here. */
  readonly key_variable?: string;
  /** What it offers, as far as it said. */
  readonly models: readonly string[];
}

/** A model server and where it usually is. */
export interface UsualServer {
  readonly name: string;
  readonly backend: BackendName;
  readonly url: string;
}

interface Discoverable {
  readonly backend: BackendName;
  readonly discovery: BackendDiscovery;
}

/** Backends whose servers can be found. */
export const DISCOVERABLE: readonly Discoverable[] = BackendName.options.flatMap((backend) => {
  const { discovery } = BACKENDS[backend].manifest;
  return discovery === undefined ? [] : [{ backend, discovery }];
});

const SERVERS: readonly UsualServer[] = DISCOVERABLE.flatMap(({ backend, discovery }) =>
  discovery.servers.flatMap(({ name, ports }) =>
    ports.map((port, at) => ({
      name: at === 0 ? name : `${name} ${port}`,
      backend,
      url: `http://127.0.0.1:${port}`,
    })),
  ),
);

/** Accounts whose key may be in the environment. */
export const ACCOUNTS = DISCOVERABLE.flatMap(({ backend, discovery }) =>
  discovery.accounts.map((account) => ({ backend, ...account })),
);

/** Looks for model servers on this machine and for keys in the environment. Ports of our own are left out. */
export async function findSources(
  env: NodeJS.ProcessEnv,
  options: { own_ports: ReadonlySet<number>; offline: boolean; servers?: readonly UsualServer[] },
): Promise<FoundSource[]> {
  const servers = (options.servers ?? SERVERS).filter(
    (server) => !options.own_ports.has(Number(new URL(server.url).port)),
  );
  const found = await Promise.all(servers.map((server) => ask(server)));
  const accounts = (options.offline ? [] : ACCOUNTS)
    .filter(({ key_variable }) => (env[key_variable] ?? '') !== '')
    .map(({ name, backend, key_variable, base_url, base_url_variable }) => ({
      name,
      backend,
      key_variable,
      base_url: (base_url_variable === undefined ? undefined : env[base_url_variable]) || base_url,
      models: [],
    }));
  return [...found.filter((source) => source !== undefined), ...accounts];
}

/** `Ollama at http://127.0.0.1:11434: llama3.2:3b, …`. */
export function describeSource(source: FoundSource): string {
  const where = source.key_variable === undefined ? `at ${source.base_url}` : `by ${source.key_variable}`;
  if (source.models.length === 0) return `${source.name} ${where}`;
  const more = source.models.length - MAX_LISTED;
  return `${source.name} ${where}: ${source.models.slice(0, MAX_LISTED).join(', ')}${more > 0 ? ` and ${more} more` : ''}`;
}

/** What is looked for, in words: `Ollama (11434), LM Studio (1234)`. */
export function serversText(): string {
  const servers = DISCOVERABLE.flatMap(({ discovery }) => discovery.servers);
  return listed(
    servers.map(({ name, ports }) => `${name} (${ports.join(', ')})`),
    'or',
  );
}

/** `a, b and c`. */
export function listed(words: readonly string[], last: 'and' | 'or'): string {
  return words.length < 2 ? words.join('') : `${words.slice(0, -1).join(', ')} ${last} ${words.at(-1)}`;
}

async function ask({ name, backend, url }: UsualServer): Promise<FoundSource | undefined> {
  const { discovery } = BACKENDS[backend].manifest;
  if (discovery === undefined) return undefined;
  try {
    const answer = await fetchText(`${url}${discovery.list}`, { timeout_ms: PROBE_MS });
    const models = discovery.answer.safeParse(jsonOf(answer.text)).data;
    if (models === undefined || models.length === 0) return undefined;
    return { name, backend, base_url: `${url}${discovery.path}`, models };
  } catch {
    return undefined;
  }
}
