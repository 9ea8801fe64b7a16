import { jsonOf } from '@mcp/contracts';
import { bytesAtMost } from '@mcp/service-kit';
import { z } from 'zod';
import { CliError, EXIT, messageOf } from './errors.ts';
import { dataFlag, dataPaths } from './paths.ts';
import { isRunning } from './runner/processes.ts';
import { readRunFile } from './runner/run-file.ts';
import { readSecret } from './runner/secrets.ts';

const Problem = z.object({ detail: z.string() });
const TIMEOUT_MS = 30_000;
/** As much as the largest file that comes whole, a proof or audit bundle. */
const MAX_ANSWER_BYTES = 64 * 1024 * 1024;

/** Options of a command that asks a platform; {@link GATEWAY_OPTIONS} describes them. */
export interface GatewayFlags {
  readonly data?: string;
  readonly url?: string;
}

export const GATEWAY_OPTIONS = {
  data: ['--data <directory>', 'the data directory of the platform (default: ./data of the checkout)'],
  url: ['--url <url>', 'a platform elsewhere: its gateway; the key then comes from MCP_KEY'],
} as const;

/** The id of a conversation as it is given on the command line. */
export function conversationId(given: string): string {
  const id = z.uuid().safeParse(given.toLowerCase());
  if (id.success) return id.data;
  throw new CliError(`${given.slice(0, 80)} is no conversation id (a UUID).`, EXIT.usage);
}

/** The gateway of a platform, asked as its administrator. */
export interface GatewayClient {
  /** Where it is, for messages. */
  readonly url: string;
  get<S extends z.ZodType>(path: string, schema: S): Promise<z.output<S>>;
  /** The answer as it is, byte for byte. */
  text(path: string): Promise<string>;
  /** As {@link GatewayClient.text}, of what is no text; undefined: there is no such thing (404). */
  bytes(path: string): Promise<Buffer | undefined>;
  post<S extends z.ZodType>(path: string, schema: S, body?: unknown): Promise<z.output<S>>;
  delete<S extends z.ZodType>(path: string, schema: S): Promise<z.output<S>>;
}

/** The platform that runs on a data directory, or the one at `--url`. Throws a CliError when there is none. */
export function gatewayOf(flags: GatewayFlags, env: NodeJS.ProcessEnv = process.env): GatewayClient {
  const { url, key } = flags.url === undefined ? localGateway(flags.data) : remoteGateway(flags.url, env);
  const answerOf = ({ path, ...asked }: Asked) =>
    exchange(new URL(path, url), key, asked).catch((error: unknown) => {
      if (error instanceof CliError) throw error;
      throw new CliError(`${url} does not answer (${messageOf(error)}). Is it running? npx mcp status`);
    });
  const bytesOf = ({ ok, status, body }: Awaited<ReturnType<typeof exchange>>) => {
    if (!ok) throw new CliError(detailOf(body.toString()) ?? `${url} answered with status ${status}.`);
    return body;
  };
  const answerTo = async (asked: Asked) => bytesOf(await answerOf(asked)).toString();
  const ask = async <S extends z.ZodType>(schema: S, asked: Asked) => {
    const text = await answerTo(asked);
    const parsed = schema.safeParse(jsonOf(text));
    if (parsed.success) return parsed.data;
    throw new CliError(`${url} answered, but not as a platform does. Is it the address of the gateway?`);
  };
  return {
    url,
    get: (path, schema) => ask(schema, { method: 'GET', path }),
    text: (path) => answerTo({ method: 'GET', path }),
    bytes: async (path) => {
      const answer = await answerOf({ method: 'GET', path });
      return answer.status === 404 ? undefined : bytesOf(answer);
    },
    post: (path, schema, body) => ask(schema, { method: 'POST', path, body }),
    delete: (path, schema) => ask(schema, { method: 'DELETE', path }),
  };
}

interface Asked {
  readonly method: 'GET' | 'POST' | 'DELETE';
  readonly path: string;
  readonly body?: unknown;
}

async function exchange(
  url: URL,
  key: string,
  { method, body }: Omit<Asked, 'path'>,
): Promise<{ ok: boolean; status: number; body: Buffer }> {
  const json = body === undefined ? {} : { 'content-type': 'application/json' };
  const answer = await fetch(url, {
    method,
    headers: { authorization: `Bearer ${key}`, ...json },
    ...(body === undefined ? {} : { body: JSON.stringify(body) }),
    signal: AbortSignal.timeout(TIMEOUT_MS),
  });
  const answered = await bytesAtMost(answer, MAX_ANSWER_BYTES);
  if (answered === undefined)
    throw new CliError(`${url.host} answers more than ${MAX_ANSWER_BYTES} bytes. Is it the gateway?`);
  return { ok: answer.ok, status: answer.status, body: answered };
}

function localGateway(data: string | undefined): { url: string; key: string } {
  const { dir, run_file, secrets } = dataPaths(data);
  const run = readRunFile(run_file);
  const key = readSecret(secrets, 'admin');
  if (run === undefined || key === undefined || !isRunning(run.runner))
    throw new CliError(
      `Nothing runs on ${dir}. Start it with: npx mcp start${dataFlag(dir)}`,
      EXIT.not_running,
    );
  return { url: run.url, key };
}

function remoteGateway(url: string, env: NodeJS.ProcessEnv): { url: string; key: string } {
  const key = env.MCP_KEY;
  if (!URL.canParse(url)) throw new CliError(`${url.slice(0, 80)} is not a URL.`, EXIT.usage);
  if (key === undefined || key === '')
    throw new CliError(`MCP_KEY is not set. Set it to a key of ${url}.`, EXIT.usage);
  return { url, key };
}

function detailOf(text: string): string | undefined {
  return Problem.safeParse(jsonOf(text)).data?.detail;
}
