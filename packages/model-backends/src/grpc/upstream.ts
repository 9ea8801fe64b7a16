/** A server elsewhere, over gRPC: one connection is kept, and what goes wrong is told in the platform's words. */
import {
  Client,
  type ClientReadableStream,
  connectivityState,
  credentials,
  Metadata,
  type ServiceError,
} from '@grpc/grpc-js';
import { type BackendCallOptions, PlatformError } from '@mcp/contracts';
import { abortError } from '../abort.ts';
import { failureOf } from './failure.ts';
import type { GrpcMethod } from './schema.ts';

const CONNECT_TIMEOUT_MS = 5000;
/** A call in which nothing comes for this long is given up. */
const IDLE_TIMEOUT_MS = 120_000;
const MAX_MESSAGE_BYTES = 32 * 1024 * 1024;
const MAX_RECONNECT_MS = 5000;

export interface GrpcUpstreamOptions {
  /** As people know it, the subject of what is told of it. */
  readonly name: string;
  /** `grpc:` in clear, `grpcs:` by TLS. */
  readonly url: URL;
  readonly default_port: number;
  /** Sent with every call. */
  readonly metadata?: Readonly<Record<string, string>>;
}

type Call = Pick<BackendCallOptions, 'signal' | 'traceparent'> & { readonly deadline_ms?: number };

export class GrpcUpstream {
  readonly name: string;
  readonly #metadata: Readonly<Record<string, string>>;
  readonly #client: Client;
  readonly #open = new Set<ClientReadableStream<unknown>>();
  #closed = false;

  constructor({ name, url, default_port, metadata = {} }: GrpcUpstreamOptions) {
    this.name = name;
    this.#metadata = metadata;
    const address = `${url.hostname}:${url.port || default_port}`;
    const secure = url.protocol === 'grpcs:';
    this.#client = new Client(address, secure ? credentials.createSsl() : credentials.createInsecure(), {
      'grpc.max_receive_message_length': MAX_MESSAGE_BYTES,
      'grpc.max_reconnect_backoff_ms': MAX_RECONNECT_MS,
      // One attempt per call: whoever asks decides what follows a failure.
      'grpc.enable_retries': 0,
      'grpc.service_config_disable_resolution': 1,
      'grpc.enable_http_proxy': 0,
      'grpc.enable_channelz': 0,
      'grpc.use_local_subchannel_pool': 1,
    });
  }

  /** Sends one message. Gives those of the answer as they come; throws the error that the status of its end stands for. */
  async *messages(method: GrpcMethod, message: object, call: Call): AsyncGenerator<unknown, void, undefined> {
    const { signal } = call;
    if (signal.aborted) throw abortError(signal);
    if (this.#closed) throw this.#ended();
    const stream = this.#call(method, message, call);
    const progress = { accepted: false, begun: false };
    stream.once('metadata', () => {
      progress.accepted = true;
    });
    // What comes after an answer was given up is nobody's concern.
    stream.on('error', () => undefined);
    const onAbort = () => stream.cancel();
    signal.addEventListener('abort', onAbort, { once: true });
    const answers = stream[Symbol.asyncIterator]();
    try {
      for (;;) {
        const next = await this.#next(answers, stream);
        if (next.done === true) return;
        progress.begun = true;
        yield next.value;
      }
    } catch (cause) {
      if (signal.aborted) throw abortError(signal, cause);
      if (this.#closed) throw this.#ended();
      throw cause instanceof PlatformError ? cause : failureOf(this.name, cause as ServiceError, progress);
    } finally {
      signal.removeEventListener('abort', onAbort);
      this.#open.delete(stream);
      stream.cancel();
    }
  }

  /** The only message of an answer. */
  async message(method: GrpcMethod, message: object, call: Call): Promise<unknown> {
    for await (const answer of this.messages(method, message, call)) return answer;
    throw new PlatformError('upstream_failed', `${this.name} answered nothing to ${method.path}.`);
  }

  /** Ends all its calls with `unavailable`. */
  async close(): Promise<void> {
    this.#closed = true;
    for (const stream of this.#open) stream.cancel();
    this.#client.close();
  }

  #call(
    { path, encode, decode }: GrpcMethod,
    message: object,
    { traceparent, deadline_ms }: Call,
  ): ClientReadableStream<unknown> {
    const metadata = new Metadata();
    for (const [key, value] of Object.entries(this.#metadata)) metadata.set(key, value);
    if (traceparent !== undefined) metadata.set('traceparent', traceparent);
    // On the wire one message and the end of them is the same call whether the method is declared to stream or not.
    const stream = this.#client.makeServerStreamRequest(
      path,
      encode,
      decode,
      message,
      metadata,
      deadline_ms === undefined ? {} : { deadline: deadline_ms },
    );
    this.#open.add(stream);
    return stream;
  }

  /** What comes next. Gives up on a server that is not connected to in time, or says nothing for too long. */
  async #next(
    answers: AsyncIterator<unknown>,
    stream: ClientReadableStream<unknown>,
  ): Promise<IteratorResult<unknown>> {
    let failure: PlatformError | undefined;
    const giveUp = (what: string) => {
      failure = new PlatformError(
        'upstream_failed',
        `${this.name} ${what}. Try again, or choose another model.`,
      );
      stream.cancel();
    };
    const connecting = setTimeout(() => {
      if (this.#client.getChannel().getConnectivityState(false) !== connectivityState.READY)
        giveUp(`cannot be reached within ${CONNECT_TIMEOUT_MS} ms`);
    }, CONNECT_TIMEOUT_MS);
    const idle = setTimeout(() => giveUp(`said nothing for ${IDLE_TIMEOUT_MS} ms`), IDLE_TIMEOUT_MS);
    try {
      return await answers.next();
    } catch (cause) {
      throw failure ?? cause;
    } finally {
      clearTimeout(connecting);
      clearTimeout(idle);
    }
  }

  #ended(): PlatformError {
    return new PlatformError('unavailable', `The backend ${this.name} is being shut down.`);
  }
}
