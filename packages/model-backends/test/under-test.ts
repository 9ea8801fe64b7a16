/** How each backend is put under test: `src/<name>/test/under-test.ts` says it, for every name of the registry. */
import type { ModelBackend } from '@mcp/contracts';
import { configSchema } from '@mcp/service-kit';
import { createBackends } from '../src/index.ts';
import { BACKENDS, BackendName, backendSettings } from '../src/registry.ts';
import type { OverGrpc } from './grpc-under-test.ts';
import type { Seen, StandIn } from './upstreams.ts';

/** A backend that is running, with what is behind it. */
export interface Subject {
  readonly backend: ModelBackend;
  readonly chat: string;
  /** Undefined where it embeds nothing. */
  readonly embedding: string | undefined;
  /** What it must say to a question, where that is known. */
  readonly reply?: (question: string) => string;
  /** Requests still open at what is behind it; undefined where nothing is. */
  readonly open?: () => number;
  /** What the last request for words asked for, as what is behind it understood; undefined where nothing is. */
  readonly seen?: () => Seen;
  close(): Promise<void>;
}

/** A backend of this process. */
interface InProcess {
  readonly runs: 'in-process';
  open(): Promise<Subject>;
}

/** A backend of a server elsewhere, and how such a server fails. */
export interface Elsewhere extends StandIn {
  /** The path that lists models is this one; undefined where its operator names them. */
  readonly list: string | undefined;
  /** What is answered to a path while models are listed and described: one chat model, `chat`. Undefined: another path. */
  describe(path: string): unknown;
  /** How it refuses, as its provider documents it: the body, and headers beside the usual ones. */
  refusal(status: number, message: string): { readonly body: unknown; readonly headers?: object };
  /** Its words for a prompt that is too long; OpenAI's where it is not said. */
  readonly too_long?: string;
  readonly stream: {
    /** The media type of its streams. */
    readonly type: string;
    /** One whole event of one that goes on. */
    readonly begun: string | Uint8Array;
    /** An event that cannot be parsed, and one that is something else than an event of this provider. */
    readonly malformed: string | Uint8Array;
    readonly wrong_shape: string | Uint8Array;
  };
}

export type UnderTest = InProcess | Elsewhere;

export const SCRIPT_EMBEDDING = 'scripted/embed';
const SCRIPT = JSON.stringify([
  {
    id: 'chat',
    rules: [
      { match: 'Weather in Paris', tool_call: { name: 'get_weather', arguments: '{"city":"Paris"}' } },
      { match: 'as JSON', reply: '{"city": "Paris"}' },
      { match: 'long', reply: 'word '.repeat(400), token_delay_ms: 3 },
      { match: 'What is', reply: 'one two three four: {last}', token_delay_ms: 1 },
      { reply: 'one two three four: {last}' },
    ],
  },
  { id: SCRIPT_EMBEDDING, kind: 'embedding' },
]);
export const scriptedReply = (question: string) => `one two three four: ${question}`;

/** The environment that all backends read. */
export const backendEnv = configSchema(backendSettings(BackendName.options));

/** The only backend that the environment makes. */
export async function make(name: BackendName, env: Record<string, string>): Promise<ModelBackend> {
  const [backend] = await createBackends([name], backendEnv.parse(env));
  if (backend === undefined) throw new Error(`the environment makes no backend ${name}`);
  return backend;
}

export const scripted = () => make('scripted', { MCP_SCRIPTED_MODELS: SCRIPT });

/** Every backend of the registry. One without a way to be put under test fails here, by name. */
const LOADED = await Promise.all(
  BackendName.options.map(async (name) => {
    const { underTest, overGrpc } = (await import(`../src/${name}/test/under-test.ts`)) as {
      underTest: UnderTest;
      /** Of those whose servers are asked over gRPC, too. */
      overGrpc?: OverGrpc;
    };
    return { name, underTest, overGrpc };
  }),
);
const BACKENDS_UNDER_TEST = LOADED.map(({ name, underTest }) => [name, underTest] as const);

/** Those whose servers may be asked over gRPC. */
export const OVER_GRPC = LOADED.flatMap(({ name, overGrpc }) =>
  overGrpc === undefined ? [] : [[name, overGrpc] as const],
);

/** Every backend, with each way to ask its servers, and what it is called. */
export const SUBJECTS = [
  ...BACKENDS_UNDER_TEST.map(([name, one]) => [name as string, name, one] as const),
  ...OVER_GRPC.map(([name, one]) => [`${name} over gRPC`, name, one] as const),
];

/** Those of servers elsewhere. */
export const ELSEWHERE = BACKENDS_UNDER_TEST.flatMap(([name, one]) =>
  one.runs === 'elsewhere' ? [[name, one] as const] : [],
);

/** Starts a backend, a server of another kind behind it where it needs one. */
export async function start(name: BackendName, one: UnderTest | OverGrpc): Promise<Subject> {
  if (one.runs === 'in-process') return one.open();
  const behind = await scripted();
  const upstream = await one.server(behind);
  const backend = await make(name, one.env(upstream.url));
  return {
    backend,
    chat: 'chat',
    embedding: BACKENDS[name].manifest.lacks.includes('embeddings')
      ? undefined
      : (one.embedding ?? SCRIPT_EMBEDDING),
    reply: scriptedReply,
    open: upstream.open,
    seen: upstream.seen,
    async close() {
      await backend.close();
      await upstream.close();
      await behind.close();
    },
  };
}
