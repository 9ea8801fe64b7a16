/** A stand-in for Triton's gRPC service, and how such a server fails. */
import {
  type handleUnaryCall,
  Server,
  ServerCredentials,
  type ServerDuplexStream,
  type ServiceDefinition,
  status,
} from '@grpc/grpc-js';
import type { ModelBackend } from '@mcp/contracts';
import type { GrpcAnswer, GrpcServer, OverGrpc } from '../../../test/grpc-under-test.ts';
import { callOptions, type Upstream } from '../../../test/upstreams.ts';
import { ProtoFile } from '../../grpc/schema.ts';
import { CHAT, EMBEDDING, turnsIn } from './models.ts';

const SERVICE = 'inference.GRPCInferenceService';
const proto = new ProtoFile(new URL('../inference.proto', import.meta.url));

interface InferRequest {
  readonly model_name: string;
  readonly inputs: readonly { name: string; contents: { bytes_contents: Uint8Array[] } }[];
}
type Row = readonly [
  name: string,
  datatype: 'BYTES' | 'UINT32' | 'FP32',
  values: readonly (string | number)[],
];

/** Values as a server packs them. */
function packed([, datatype, values]: Row): Buffer {
  return Buffer.concat(
    values.map((value) => {
      const bytes = datatype === 'BYTES' ? Buffer.from(String(value)) : Buffer.alloc(4);
      if (datatype === 'FP32') bytes.writeFloatLE(Number(value));
      if (datatype !== 'BYTES') {
        if (datatype === 'UINT32') bytes.writeUInt32LE(Number(value));
        return bytes;
      }
      const size = Buffer.alloc(4);
      size.writeUInt32LE(bytes.length);
      return Buffer.concat([size, bytes]);
    }),
  );
}

const inferred = (model_name: string, shape: readonly number[], rows: readonly Row[]) => ({
  model_name,
  outputs: rows.map(([name, datatype]) => ({ name, datatype, shape })),
  raw_output_contents: rows.map(packed),
});

const streamed = (rows: readonly Row[]) =>
  proto.encode('inference.ModelStreamInferResponse', { infer_response: inferred('chat', [1], rows) });

const told = (text: string, more: { reason?: string; read?: number; written?: number } = {}) =>
  streamed([
    ['text_output', 'BYTES', [text]],
    ['finish_reason', 'BYTES', [more.reason ?? 'None']],
    ['num_input_tokens', 'UINT32', [more.read ?? 0]],
    ['num_output_tokens', 'UINT32', [more.written ?? 0]],
  ]);

/** Takes messages apart; those of answers are bytes already, so that a test may send any. */
function method(name: string, request: string, stream: boolean): ServiceDefinition[string] {
  return {
    path: `/${SERVICE}/${name}`,
    requestStream: stream,
    responseStream: stream,
    requestSerialize: (bytes: Buffer) => bytes,
    requestDeserialize: (bytes) => proto.decode(`inference.${request}`, bytes),
    responseSerialize: (bytes: Buffer) => bytes,
    responseDeserialize: (bytes) => bytes,
  };
}
const DEFINITION = {
  RepositoryIndex: method('RepositoryIndex', 'RepositoryIndexRequest', false),
  ModelMetadata: method('ModelMetadata', 'ModelMetadataRequest', false),
  ModelInfer: method('ModelInfer', 'ModelInferRequest', false),
  ModelStreamInfer: method('ModelStreamInfer', 'ModelInferRequest', true),
};

const unknown = (name: string) => ({
  code: status.NOT_FOUND,
  details: `Request for unknown model: '${name}' is not found`,
});

type Call = ServerDuplexStream<InferRequest, Buffer>;
type Infer = (request: InferRequest) => Promise<Buffer>;

async function listen(
  answer: (call: Call, request: InferRequest, left: AbortSignal) => void,
  { infer, max_bytes = 4_000_000 }: { infer?: Infer; max_bytes?: number | undefined } = {},
): Promise<GrpcServer> {
  let open = 0;
  const server = new Server({ 'grpc.max_receive_message_length': max_bytes });
  const unary =
    <R>(respond: (request: R) => Promise<Buffer>): handleUnaryCall<R, Buffer> =>
    ({ request }, done) =>
      void respond(request).then((bytes) => done(null, bytes), done);
  server.addService(DEFINITION, {
    RepositoryIndex: unary(async () =>
      proto.encode('inference.RepositoryIndexResponse', {
        models: [CHAT, EMBEDDING].map(({ name }) => ({ name, state: 'READY' })),
      }),
    ),
    ModelMetadata: unary(async ({ name }: { name: string }) => {
      const model = [CHAT, EMBEDDING].find((one) => one.name === name);
      if (model === undefined) throw unknown(name);
      return proto.encode('inference.ModelMetadataResponse', model);
    }),
    ModelInfer: unary(infer ?? (() => Promise.reject({ code: status.UNIMPLEMENTED, details: 'not here' }))),
    ModelStreamInfer(call: Call) {
      open++;
      const left = new AbortController();
      const over = () => {
        if (!left.signal.aborted) open--;
        left.abort();
      };
      for (const event of ['cancelled', 'finish', 'close', 'error']) call.once(event, over);
      call.once('data', (request: InferRequest) => answer(call, request, left.signal));
    },
  });
  const port = await new Promise<number>((done, fail) =>
    server.bindAsync('127.0.0.1:0', ServerCredentials.createInsecure(), (error, bound) =>
      error === null ? done(bound) : fail(error),
    ),
  );
  return {
    url: `grpc://127.0.0.1:${port}`,
    open: () => open,
    close: async () => server.forceShutdown(),
  };
}

const textOf = ({ inputs }: InferRequest, name: string) =>
  Buffer.from(inputs.find((one) => one.name === name)?.contents.bytes_contents[0] ?? '').toString();

/** A server that answers by another backend. */
async function tritonServer(behind: ModelBackend): Promise<Upstream> {
  const say = async (call: Call, request: InferRequest, signal: AbortSignal) => {
    const sampling = JSON.parse(textOf(request, 'sampling_parameters')) as object;
    const messages = turnsIn(textOf(request, 'text_input'));
    const asked = { model: request.model_name, messages, ...sampling };
    let last: Parameters<typeof told>[1] = {};
    for await (const event of behind.generate(asked, callOptions(signal))) {
      if (event.type === 'text') call.write(told(event.text));
      if (event.type === 'finish') last = { ...last, reason: event.reason.unified };
      if (event.type === 'usage')
        last = { ...last, read: event.usage.input_tokens, written: event.usage.output_tokens };
    }
    call.write(told('', last));
    call.end();
  };
  const server = await listen(
    (call, request, left) =>
      void say(call, request, left).catch((error: Error) =>
        call.emit('error', { code: status.INVALID_ARGUMENT, details: error.message }),
      ),
    {
      async infer({ model_name: model, inputs: [input] }) {
        const texts = (input?.contents.bytes_contents ?? []).map((bytes) => Buffer.from(bytes).toString());
        const { vectors } = await behind.embed(
          { model, input: texts },
          callOptions(AbortSignal.timeout(5000)),
        );
        const shape = [vectors.length, vectors[0]?.length ?? 0];
        return proto.encode(
          'inference.ModelInferResponse',
          inferred(model, shape, [['embedding', 'FP32', vectors.flat()]]),
        );
      },
    },
  );
  return { ...server, seen: () => ({ tools: [], schema: undefined, images: [] }) };
}

/** What says of a model that it is there, for a server that speaks no gRPC but its bytes. */
const METADATA = proto.encode('inference.ModelMetadataResponse', CHAT);

export const overGrpc: OverGrpc = {
  runs: 'elsewhere',
  env: (url) => ({ TRITON_URL: url }),
  server: tritonServer,
  answering: (answer: GrpcAnswer, max_bytes) => listen((call) => answer(call), { max_bytes }),
  described: METADATA,
  begun: told('half', { read: 3, written: 1 }),
  wrong_shape: streamed([['logits', 'FP32', [0.5]]]),
  failed: (message) => proto.encode('inference.ModelStreamInferResponse', { error_message: message }),
};
