import { z } from 'zod';
import { fetchText, jsonOf } from './probe.ts';

const PROBE_MS = 700;
const MAX_LISTED = 5;

/** A model server or an account that was found beside the embedded models. */
export interface FoundSource {
  readonly name: string;
  readonly backend: 'ollama' | 'openai';
  readonly base_url: string;
  /** The environment variable that holds its key. The key itself is not read here. */
  readonly key_variable?: string;
  /** What it offers, as far as it said. */
  readonly models: readonly string[];
}

/** A model server and where it usually is. */
export interface UsualServer {
  readonly name: string;
  readonly backend: 'ollama' | 'openai';
  readonly url: string;
  /** Path that lists its models. */
  readonly list: string;
}

/** Servers on their usual ports. */
const SERVERS: readonly UsualServer[] = [
  { name: 'Ollama', backend: 'ollama', url: 'http://127.0.0.1:11434', list: '/api/tags' },
  { name: 'LM Studio', backend: 'openai', url: 'http://127.0.0.1:1234', list: '/v1/models' },
  { name: 'vLLM', backend: 'openai', url: 'http://127.0.0.1:8000', list: '/v1/models' },
  { name: 'vLLM 8001', backend: 'openai', url: 'http://127.0.0.1:8001', list: '/v1/models' },
];

/** Accounts whose key may be in the environment. */
const ACCOUNTS = [
  { name: 'OpenAI', key_variable: 'OPENAI_API_KEY', base_url: 'https://api.openai.com/v1' },
  { name: 'Groq', key_variable: 'GROQ_API_KEY', base_url: 'https://api.groq.com/openai/v1' },
  { name: 'DeepSeek', key_variable: 'DEEPSEEK_API_KEY', base_url: 'https://api.deepseek.com/v1' },
] as const;

const OllamaTags = z.object({ models: z.array(z.object({ name: z.string() })) });
const OpenAiModels = z.object({ object: z.literal('list'), data: z.array(z.object({ id: z.string() })) });

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
    .map((account) => ({
      ...account,
      base_url:
        account.key_variable === 'OPENAI_API_KEY'
          ? env.OPENAI_BASE_URL || account.base_url
          : account.base_url,
      backend: 'openai' as const,
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

async function ask(server: UsualServer): Promise<FoundSource | undefined> {
  try {
    const answer = await fetchText(`${server.url}${server.list}`, { timeout_ms: PROBE_MS });
    const body = jsonOf(answer.text);
    const models =
      server.backend === 'ollama'
        ? OllamaTags.safeParse(body).data?.models.map((model) => model.name)
        : OpenAiModels.safeParse(body).data?.data.map((model) => model.id);
    if (models === undefined || models.length === 0) return undefined;
    const base_url = server.backend === 'ollama' ? server.url : `${server.url}/v1`;
    return { name: server.name, backend: server.backend, base_url, models };
  } catch {
    return undefined;
  }
}
