import type { ConfigOf, ModelBackend } from '@mcp/contracts';
import { ignoredBy } from '../features.ts';
import { GrpcUpstream } from '../grpc/upstream.ts';
import { RemoteBackend, type RemoteOptions } from '../remote.ts';
import { namedServers } from '../self-hosted.ts';
import { Upstream } from '../upstream.ts';
import { features } from './features.ts';
import { KServeGrpc } from './grpc.ts';
import { KServeHttp } from './http.ts';
import type { manifest } from './manifest.ts';

const DEFAULT_CONTEXT = 32_768;
/** Where Triton listens for gRPC unless it is told otherwise. */
const GRPC_PORT = 8001;

type Env = ConfigOf<typeof manifest.settings>;

export function create(env: Env): readonly ModelBackend[] {
  return namedServers('triton', env.TRITON_URL).map(
    ({ name, url }) =>
      new RemoteBackend({
        backend: 'triton',
        name,
        ...asked(name, url, env),
        ignores: ignoredBy(features),
        max_context: DEFAULT_CONTEXT,
      }),
  );
}

/** The scheme of its address says how a server is asked. */
function asked(name: string, address: string, env: Env): Pick<RemoteOptions, 'upstream' | 'wire'> {
  const options = { template: env.TRITON_CHAT_TEMPLATE, models: env.TRITON_MODELS };
  const url = new URL(address);
  if (!url.protocol.startsWith('grpc')) {
    const upstream = new Upstream({ name, base_url: address });
    return { upstream, wire: new KServeHttp(upstream, options) };
  }
  // Asked so, Triton ends a stream with the status of its error; otherwise it has its words alone.
  const metadata = { triton_grpc_error: 'true' };
  const upstream = new GrpcUpstream({ name, url, default_port: GRPC_PORT, metadata });
  return { upstream, wire: new KServeGrpc(upstream, options) };
}
