/** The cases of the conformance suite that are about the server behind a backend, for one that is asked over gRPC. */
import { createServer, type ServerHttp2Stream } from 'node:http2';
import { type AddressInfo, connect, createServer as createTcpServer } from 'node:net';
import { Metadata, status } from '@grpc/grpc-js';
import type { PlatformError } from '@mcp/contracts';
import { expect } from 'vitest';
import type { CASES, CaseName } from '../../src/cases.ts';
import { ProtoFile } from '../../src/grpc/schema.ts';
import type { BackendName } from '../../src/registry.ts';
import type { GrpcAnswer, OverGrpc } from '../grpc-under-test.ts';
import { make, scripted, scriptedReply } from '../under-test.ts';
import { asked, callOptions, errorOf, eventsOf, expectOverdue, textOf } from './asking.ts';

export type GrpcCase = {
  [N in CaseName]: (typeof CASES)[N] extends { elsewhere: true }
    ? (typeof CASES)[N] extends { of_http: true }
      ? never
      : N
    : never;
}[CaseName];
type GrpcCheck = (one: OverGrpc, name: BackendName) => Promise<void>;

const MESSAGE = 'that was not possible';
const TOO_LONG = "This model's maximum context length is 4096 tokens. However, you asked for 5000 tokens.";

interface Server {
  readonly url: string;
  close(): Promise<void>;
}

/** The error of a streamed request to a server, whose connections are cut once words have come where that is said. */
async function failing(
  [one, name]: Parameters<GrpcCheck>,
  server: Server,
  { cut = false }: { readonly cut?: boolean } = {},
): Promise<PlatformError> {
  const backend = await make(name, one.env(server.url));
  const request = asked({ chat: 'chat' }, 'hi '.repeat(1000));
  const read = async () => {
    for await (const { type } of backend.generate(request, callOptions(AbortSignal.timeout(10_000))))
      if (cut && type === 'text') void server.close();
  };
  try {
    return await errorOf(read());
  } finally {
    await backend.close();
    await server.close();
  }
}

const ending =
  (code: number, details = MESSAGE, metadata = new Metadata()): GrpcAnswer =>
  (call) =>
    call.emit('error', { code, details, metadata });

/** A status has this code; its words reach the caller where the caller can mend it. */
const refused =
  (code: number, expected: string): GrpcCheck =>
  async (one, name) => {
    const error = await failing([one, name], await one.answering(ending(code)));
    expect(error.code).toBe(expected);
    if (error.status < 500) expect(error.message).toContain(MESSAGE);
    if (code === status.UNAUTHENTICATED || code === status.PERMISSION_DENIED) {
      expect(error.message).not.toContain(MESSAGE);
      expect(error.retryable).toBe(false);
    }
  };

const waits =
  (
    more: () => Readonly<Record<string, string | Buffer>>,
    range: readonly [number, number] | undefined,
  ): GrpcCheck =>
  async (one, name) => {
    const metadata = new Metadata();
    for (const [key, value] of Object.entries(more())) metadata.set(key, value);
    const error = await failing(
      [one, name],
      await one.answering(ending(status.RESOURCE_EXHAUSTED, MESSAGE, metadata)),
    );
    expect(error.code).toBe('overloaded');
    if (range === undefined) return expect(error.retry_after_ms).toBeUndefined();
    expect(error.retry_after_ms).toBeGreaterThanOrEqual(range[0]);
    expect(error.retry_after_ms).toBeLessThanOrEqual(range[1]);
  };

/** RetryInfo in the details of a status, as google.rpc has it. */
function retryInfo(seconds: number, nanos: number): Buffer {
  const proto = new ProtoFile(new URL('../../src/grpc/status.proto', import.meta.url));
  const value = proto.encode('google.rpc.RetryInfo', { retry_delay: { seconds, nanos } });
  const details = [
    { type_url: 'type.googleapis.com/google.rpc.Help', value: Buffer.from('no help') },
    { type_url: 'type.googleapis.com/google.rpc.RetryInfo', value },
  ];
  return proto.encode('google.rpc.Status', { code: status.RESOURCE_EXHAUSTED, message: MESSAGE, details });
}

/** These messages, after which the stream ends. */
const streamed =
  (code: string, messages: (one: OverGrpc) => readonly Buffer[]): GrpcCheck =>
  async (one, name) => {
    const server = await one.answering((call) => {
      for (const message of messages(one)) call.write(message);
      call.end();
    });
    expect((await failing([one, name], server)).code).toBe(code);
  };

/** The deadline of a call passes while the server has said so much: it sees that the call was cancelled. */
const overdue =
  (messages: (one: OverGrpc) => readonly Buffer[]): GrpcCheck =>
  async (one, name) => {
    const server = await one.answering((call) => {
      for (const message of messages(one)) call.write(message);
    });
    await expectOverdue(await make(name, one.env(server.url)), server);
  };

const frame = (message: Buffer) => {
  const head = Buffer.alloc(5);
  head.writeUInt32BE(message.length, 1);
  return Buffer.concat([head, message]);
};

/** A server of bare HTTP/2 that describes its model and answers everything else so. */
async function bare(one: OverGrpc, answer: (stream: ServerHttp2Stream) => void): Promise<Server> {
  const server = createServer();
  const sessions = new Set<{ destroy(): void }>();
  server.on('session', (session) => sessions.add(session));
  server.on('stream', (stream, { ':path': path }) => {
    stream.on('error', () => undefined);
    if (path?.endsWith('/ModelMetadata') !== true) return answer(stream);
    stream.respond({ ':status': 200, 'content-type': 'application/grpc' }, { waitForTrailers: true });
    stream.on('wantTrailers', () => stream.sendTrailers({ 'grpc-status': '0' }));
    stream.end(frame(one.described));
  });
  await new Promise<void>((done) => server.listen(0, '127.0.0.1', done));
  const { port } = server.address() as AddressInfo;
  return {
    url: `grpc://127.0.0.1:${port}`,
    close: () =>
      new Promise((done) => {
        for (const session of sessions) session.destroy();
        server.close(() => done());
      }),
  };
}

/** A server that passes bytes on to another one, and its answers back byte by byte. */
async function dripping(url: string): Promise<Server> {
  const { hostname, port } = new URL(url);
  const server = createTcpServer((client) => {
    const behind = connect(Number(port), hostname);
    client.pipe(behind);
    void (async () => {
      for await (const bytes of behind)
        for (const byte of bytes as Buffer) {
          client.write(Uint8Array.of(byte));
          await new Promise((done) => setImmediate(done));
        }
      client.end();
    })().catch(() => client.destroy());
    client.on('error', () => behind.destroy());
    client.on('close', () => behind.destroy());
  });
  await new Promise<void>((done) => server.listen(0, '127.0.0.1', done));
  return {
    url: `grpc://127.0.0.1:${(server.address() as AddressInfo).port}`,
    close: () => new Promise((done) => server.close(() => done())),
  };
}

export const GRPC_CHECKS: Readonly<Record<GrpcCase, GrpcCheck>> = {
  status_400: refused(status.INVALID_ARGUMENT, 'invalid_request'),
  status_401: refused(status.UNAUTHENTICATED, 'upstream_failed'),
  status_403: refused(status.PERMISSION_DENIED, 'upstream_failed'),
  async status_404(one, name) {
    const server = await one.answering(ending(status.NOT_FOUND, 'the model chat is not here'));
    expect((await failing([one, name], server)).code).toBe('model_not_found');
  },
  async status_413(one, name) {
    const server = await one.answering(ending(status.OK), 1024);
    expect((await failing([one, name], server)).code).toBe('payload_too_large');
  },
  async status_500(one, name) {
    await refused(status.INTERNAL, 'upstream_failed')(one, name);
    // A server that knows no status for it says so in a message.
    const server = await one.answering((call) => {
      call.write(one.failed('no memory'));
      call.end();
    });
    expect(await failing([one, name], server)).toMatchObject({
      code: 'upstream_failed',
      message: 'no memory',
    });
  },
  status_503: refused(status.UNAVAILABLE, 'unavailable'),
  status_504: refused(status.DEADLINE_EXCEEDED, 'deadline_exceeded'),
  retry_after_none: waits(() => ({ 'grpc-status-details-bin': Buffer.from([0xff, 0xff]) }), undefined),
  retry_after_seconds: waits(() => ({ 'retry-after': '7' }), [7000, 7000]),
  retry_after_date: waits(
    () => ({ 'retry-after': new Date(Date.now() + 30_000).toUTCString() }),
    [20_000, 31_000],
  ),
  async retry_after_ms(one, name) {
    await waits(() => ({ 'retry-after-ms': '250', 'retry-after': '1' }), [250, 250])(one, name);
    const details = retryInfo(2, 500_000_000);
    await waits(() => ({ 'grpc-status-details-bin': details, 'retry-after': '1' }), [2500, 2500])(one, name);
  },
  async context_exceeded(one, name) {
    const server = await one.answering(ending(status.INVALID_ARGUMENT, TOO_LONG));
    expect((await failing([one, name], server)).code).toBe('context_length_exceeded');
  },

  deadline_silent: overdue(() => []),
  deadline_middle: overdue(({ begun }) => [begun]),

  async unreachable(one, name) {
    const server = await one.answering(ending(status.OK));
    await server.close();
    expect((await failing([one, name], server)).code).toBe('upstream_failed');
  },
  async reset_before(one, name) {
    const server = await bare(one, (stream) => stream.session?.destroy());
    expect((await failing([one, name], server)).code).toBe('upstream_failed');
  },
  async reset_middle(one, name) {
    const server = await one.answering((call) => call.write(one.begun));
    expect((await failing([one, name], server, { cut: true })).code).toBe('upstream_interrupted');
  },
  async half_event(one, name) {
    const half = frame(one.begun).subarray(0, 12);
    const server = await bare(one, (stream) => {
      stream.respond({ ':status': 200, 'content-type': 'application/grpc' });
      stream.write(Buffer.concat([frame(one.begun), half]));
    });
    expect((await failing([one, name], server, { cut: true })).code).toBe('upstream_interrupted');
  },
  ends_early: streamed('upstream_interrupted', ({ begun }) => [begun]),
  malformed: streamed('upstream_failed', () => [Buffer.from('<html>')]),
  wrong_shape: streamed('upstream_failed', ({ wrong_shape }) => [wrong_shape]),
  async wrong_type(one, name) {
    const server = await bare(one, (stream) => {
      stream.respond({ ':status': 200, 'content-type': 'text/html' });
      stream.end('<html><body>Sign in</body></html>');
    });
    expect((await failing([one, name], server)).code).toBe('upstream_failed');
  },
  async slow_drip(one, name) {
    const behind = await scripted();
    const upstream = await one.server(behind);
    const slow = await dripping(upstream.url);
    const backend = await make(name, one.env(slow.url));
    const events = await eventsOf(backend.generate(asked({ chat: 'chat' }, 'hi'), callOptions()));
    expect(textOf(events)).toBe(scriptedReply('hi'));
    expect(events.at(-1)?.type).toBe('usage');
    for (const one of [backend, upstream, slow, behind]) await one.close();
  },
};
