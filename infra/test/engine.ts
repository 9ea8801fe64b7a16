import { spawn } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import { join } from 'node:path';
import {
  type handleUnaryCall,
  Server,
  ServerCredentials,
  status,
  type UntypedServiceImplementation,
} from '@grpc/grpc-js';
import engine_services from '@pulumi/pulumi/proto/engine_grpc_pb.js';
import engine_messages from '@pulumi/pulumi/proto/engine_pb.js';
import resource_services from '@pulumi/pulumi/proto/resource_grpc_pb.js';
import resource_messages from '@pulumi/pulumi/proto/resource_pb.js';
import empty from 'google-protobuf/google/protobuf/empty_pb.js';
import struct from 'google-protobuf/google/protobuf/struct_pb.js';
import { parse } from 'yaml';
import { madeUp, masked, type RecordedResource } from '../kit/record.ts';

const ROOT = join(import.meta.dirname, '..', '..');
const PROJECT = parse(readFileSync(join(ROOT, 'Pulumi.yaml'), 'utf8')) as {
  readonly name: string;
  readonly main: string;
  readonly runtime: { readonly options: { readonly nodeargs: string } };
};
const STACK_TYPE = 'pulumi:pulumi:Stack';
const STILL_UNKNOWN = '04da6b54-80e4-46f7-96ec-b56ff0331ba9';
const MAX_MS = 60_000;
const LEAST_SEVERITY = 1;

interface Registered extends RecordedResource {
  readonly parent: string;
  /** `<urn>::<id>` of the provider that makes it; empty for components. */
  readonly provider: string;
}

export interface Run {
  readonly code: number | null;
  readonly resources: readonly Registered[];
  readonly outputs: Readonly<Record<string, unknown>>;
  /** What the program told the engine, without debug lines. */
  readonly told: readonly string[];
  /** What it wrote itself. */
  readonly written: string;
}

export interface RunOptions {
  readonly stack: string;
  readonly config?: Readonly<Record<string, string>>;
  /** A first preview: what only providers know is unknown. */
  readonly preview?: boolean;
}

/**
 * Runs the unmodified program under Pulumi's own language runtime (`@pulumi/pulumi/cmd/run`, with what `Pulumi.yaml`
 * says) and serves it the two gRPC services that the engine has: `pulumirpc.ResourceMonitor` and `pulumirpc.Engine`.
 * Nothing is made. Configuration is given as secrets.
 */
export async function runUnderRuntime(options: RunOptions): Promise<Run> {
  const monitor = new Monitor(options);
  const server = new Server({ 'grpc.max_receive_message_length': -1 });
  server.addService(resource_services.ResourceMonitorService, monitor.resourceMonitor());
  server.addService(engine_services.EngineService, monitor.engine());
  const port = await new Promise<number>((done, fail) => {
    server.bindAsync('127.0.0.1:0', ServerCredentials.createInsecure(), (error, bound) =>
      error === null ? done(bound) : fail(error),
    );
  });
  try {
    const { code, written } = await runProgram(`127.0.0.1:${port}`, options);
    return { code, written, resources: monitor.resources, outputs: monitor.outputs, told: monitor.told };
  } finally {
    server.forceShutdown();
  }
}

function runProgram(
  address: string,
  { stack, config = {}, preview = false }: RunOptions,
): Promise<{ code: number | null; written: string }> {
  const keys = Object.keys(config);
  const child = spawn(
    process.execPath,
    [
      ...PROJECT.runtime.options.nodeargs.split(' '),
      createRequire(import.meta.url).resolve('@pulumi/pulumi/cmd/run'),
      ...['--monitor', address, '--engine', address, '--project', PROJECT.name, '--stack', stack],
      ...['--organization', 'organization', '--root-directory', ROOT, '--pwd', ROOT, '--parallel', '16'],
      ...(preview ? ['--dry-run'] : []),
      PROJECT.main,
    ],
    {
      cwd: ROOT,
      timeout: MAX_MS,
      stdio: ['ignore', 'pipe', 'pipe'],
      env: {
        ...process.env,
        NODE_OPTIONS: '',
        MCP_PREFLIGHT: 'off',
        PULUMI_CONFIG: JSON.stringify(
          Object.fromEntries(keys.map((key) => [`${PROJECT.name}:${key}`, config[key]])),
        ),
        PULUMI_CONFIG_SECRET_KEYS: JSON.stringify(keys.map((key) => `${PROJECT.name}:${key}`)),
      },
    },
  );
  let written = '';
  for (const stream of [child.stdout, child.stderr])
    stream.setEncoding('utf8').on('data', (text: string) => {
      written += text;
    });
  return new Promise((done, fail) => {
    child.on('error', fail).on('close', (code) => done({ code, written }));
  });
}

type Request<T extends new () => unknown> = InstanceType<T>;

/** A call that is answered at once; what is thrown is the program's error. */
function unary<T>(answer: (request: T) => unknown): handleUnaryCall<T, unknown> {
  return (call, done) => {
    try {
      done(null, answer(call.request));
    } catch (error) {
      done({ code: status.ALREADY_EXISTS, message: String(error) });
    }
  };
}

/** What the program registers, and what it is answered. */
class Monitor {
  readonly resources: Registered[] = [];
  readonly told: string[] = [];
  outputs: Readonly<Record<string, unknown>> = {};
  readonly #options: RunOptions;
  readonly #urns = new Set<string>();
  #root = '';

  constructor(options: RunOptions) {
    this.#options = options;
  }

  resourceMonitor(): UntypedServiceImplementation {
    return {
      supportsFeature: unary(() => {
        const answer = new resource_messages.SupportsFeatureResponse();
        answer.setHassupport(true);
        return answer;
      }),
      registerResource: unary((request: Request<typeof resource_messages.RegisterResourceRequest>) =>
        this.#register(request),
      ),
      registerResourceOutputs: unary(
        (request: Request<typeof resource_messages.RegisterResourceOutputsRequest>) => {
          if (request.getUrn() === this.#root)
            this.outputs = masked(request.getOutputs()?.toJavaScript() ?? {}) as Record<string, unknown>;
          return new empty.Empty();
        },
      ),
      signalAndWaitForShutdown: unary(() => new empty.Empty()),
    };
  }

  engine(): UntypedServiceImplementation {
    return {
      log: unary((request: Request<typeof engine_messages.LogRequest>) => {
        if (request.getSeverity() >= LEAST_SEVERITY) this.told.push(request.getMessage());
        return new empty.Empty();
      }),
      getRootResource: unary(() => {
        const answer = new engine_messages.GetRootResourceResponse();
        answer.setUrn(this.#root);
        return answer;
      }),
      setRootResource: unary((request: Request<typeof engine_messages.SetRootResourceRequest>) => {
        this.#root = request.getUrn();
        return new engine_messages.SetRootResourceResponse();
      }),
    };
  }

  #register(
    request: Request<typeof resource_messages.RegisterResourceRequest>,
  ): Request<typeof resource_messages.RegisterResourceResponse> {
    const type = request.getType();
    const name = request.getName();
    const parent = request.getParent();
    const inputs = (request.getObject()?.toJavaScript() ?? {}) as Record<string, unknown>;
    const outer = parent.split('::')[2];
    const qualified = outer === undefined || outer === STACK_TYPE ? type : `${outer}$${type}`;
    const urn = `urn:pulumi:${this.#options.stack}::${PROJECT.name}::${qualified}::${name}`;
    if (this.#urns.has(urn)) throw new Error(`Duplicate resource URN ${urn}`);
    this.#urns.add(urn);
    const preview = this.#options.preview === true;
    if (type !== STACK_TYPE)
      this.resources.push({
        type,
        name,
        inputs: masked(inputs) as Record<string, unknown>,
        parent,
        provider: request.getProvider(),
      });
    const answer = new resource_messages.RegisterResourceResponse();
    answer.setUrn(urn);
    if (request.getCustom()) answer.setId(preview ? STILL_UNKNOWN : name);
    const outputs = { ...inputs, ...(preview ? {} : madeUp(type, name, inputs)) };
    answer.setObject(struct.Struct.fromJavaScript(outputs as never));
    return answer;
  }
}
