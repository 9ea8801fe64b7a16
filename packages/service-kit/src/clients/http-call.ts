import { type Dispatcher, errors } from 'undici';

/** Bytes that wait for their reader before the far side is held back. */
const MAX_WAITING_BYTES = 256 * 1024;

export interface HttpRequest {
  readonly method: 'GET' | 'POST';
  readonly path: string;
  readonly headers: Readonly<Record<string, string>>;
  readonly body?: string | undefined;
  /** Ends the call wherever it is: waiting for a connection, for the answer, or in its middle. */
  readonly signal: AbortSignal;
  /** Called once, when the connection is free again or was given up. */
  readonly onEnd?: () => void;
}

export interface HttpAnswer {
  readonly statusCode: number;
  readonly headers: Readonly<Record<string, string | string[] | undefined>>;
  readonly body: HttpBody;
}

/** The body of an answer, to be read once. Whoever stops reading an iteration closes the connection. */
export interface HttpBody extends AsyncIterable<Uint8Array> {
  /** All of it. Throws a RangeError, and closes the connection, beyond `max_bytes`. */
  text(max_bytes: number): Promise<string>;
  /** Gives up what has not come yet. */
  discard(): void;
}

/**
 * One HTTP request straight on undici's dispatcher: without the web and node streams that its other interfaces put
 * around an answer, and with a signal that counts from the first moment. Undici's own `request` looks at the signal
 * only once a connection has been found. Rejects with the signal's reason or undici's error.
 */
export function httpCall(dispatcher: Dispatcher, request: HttpRequest): Promise<HttpAnswer> {
  const call = new Call(request);
  try {
    dispatcher.dispatch(
      {
        method: request.method,
        path: request.path,
        headers: request.headers as Record<string, string>,
        body: request.body ?? null,
      },
      call,
    );
  } catch (error) {
    call.fail(error);
  }
  return call.answer;
}

interface Reader {
  resolve(result: IteratorResult<Uint8Array>): void;
  reject(reason: unknown): void;
}

class Call implements Dispatcher.DispatchHandler, HttpBody, AsyncIterator<Uint8Array> {
  readonly answer: Promise<HttpAnswer>;
  readonly #settle: PromiseWithResolvers<HttpAnswer>;
  readonly #signal: AbortSignal;
  readonly #onAbort: () => void;
  readonly #onEnd: (() => void) | undefined;
  #controller: Dispatcher.DispatchController | undefined;
  #chunks: Uint8Array[] = [];
  #waiting_bytes = 0;
  #reader: Reader | undefined;
  #ended = false;
  #failure: { readonly reason: unknown } | undefined;

  constructor({ signal, onEnd }: HttpRequest) {
    this.#settle = Promise.withResolvers();
    this.answer = this.#settle.promise;
    this.#signal = signal;
    this.#onEnd = onEnd;
    this.#onAbort = () => this.fail(signal.reason);
    if (signal.aborted) this.fail(signal.reason);
    else signal.addEventListener('abort', this.#onAbort, { once: true });
  }

  /** Ends the call, once; what has come already can still be read. */
  fail(reason: unknown): void {
    if (this.#ended) return;
    this.#failure = { reason };
    this.#end();
    this.#settle.reject(reason);
    this.#controller?.abort(reason instanceof Error ? reason : new errors.RequestAbortedError());
    this.#reader?.reject(reason);
    this.#reader = undefined;
  }

  onRequestStart(controller: Dispatcher.DispatchController): void {
    this.#controller = controller;
    if (this.#failure !== undefined) controller.abort(new errors.RequestAbortedError());
  }

  onResponseStart(
    _: Dispatcher.DispatchController,
    statusCode: number,
    headers: HttpAnswer['headers'],
  ): void {
    if (statusCode >= 200) this.#settle.resolve({ statusCode, headers, body: this });
  }

  onResponseData(controller: Dispatcher.DispatchController, chunk: Buffer): void {
    if (this.#ended) return;
    const reader = this.#reader;
    if (reader !== undefined) {
      this.#reader = undefined;
      reader.resolve({ done: false, value: chunk });
      return;
    }
    this.#chunks.push(chunk);
    this.#waiting_bytes += chunk.byteLength;
    if (this.#waiting_bytes > MAX_WAITING_BYTES) controller.pause();
  }

  onResponseEnd(): void {
    if (this.#ended) return;
    this.#end();
    this.#reader?.resolve({ done: true, value: undefined });
    this.#reader = undefined;
  }

  onResponseError(_: Dispatcher.DispatchController, error: Error): void {
    this.fail(error);
  }

  [Symbol.asyncIterator](): AsyncIterator<Uint8Array> {
    return this;
  }

  next(): Promise<IteratorResult<Uint8Array>> {
    const chunk = this.#chunks.shift();
    if (chunk !== undefined) {
      this.#waiting_bytes -= chunk.byteLength;
      if (this.#controller?.paused === true && this.#waiting_bytes < MAX_WAITING_BYTES)
        this.#controller.resume();
      return Promise.resolve({ done: false, value: chunk });
    }
    if (this.#failure !== undefined) return Promise.reject(this.#failure.reason);
    if (this.#ended) return Promise.resolve({ done: true, value: undefined });
    return new Promise((resolve, reject) => {
      this.#reader = { resolve, reject };
    });
  }

  return(): Promise<IteratorResult<Uint8Array>> {
    this.discard();
    return Promise.resolve({ done: true, value: undefined });
  }

  discard(): void {
    this.#chunks = [];
    this.fail(new errors.RequestAbortedError());
  }

  async text(max_bytes: number): Promise<string> {
    const chunks: Uint8Array[] = [];
    let size = 0;
    for (let next = await this.next(); next.done !== true; next = await this.next()) {
      size += next.value.byteLength;
      if (size > max_bytes) {
        this.discard();
        throw new RangeError(`The body is larger than ${max_bytes} bytes.`);
      }
      chunks.push(next.value);
    }
    return Buffer.concat(chunks).toString('utf8');
  }

  #end(): void {
    this.#ended = true;
    this.#signal.removeEventListener('abort', this.#onAbort);
    this.#onEnd?.();
  }
}
