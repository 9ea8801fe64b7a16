/** What a gRPC status means, in the platform's words. */
import { type Metadata, type ServiceError, status } from '@grpc/grpc-js';
import { PlatformError } from '@mcp/contracts';
import { retryAfterMs, upstreamError } from '@mcp/wire';
import { z } from 'zod';
import { ProtoFile } from './schema.ts';

/** How far an answer had come when its call failed. */
export interface Progress {
  /** The server has begun to answer: its headers came. */
  readonly accepted: boolean;
  /** A message of the answer has come. */
  readonly begun: boolean;
}

/** The HTTP status that each gRPC status stands for (google/rpc/code.proto). */
const HTTP_STATUS: Readonly<Record<number, number>> = {
  [status.INVALID_ARGUMENT]: 400,
  [status.FAILED_PRECONDITION]: 400,
  [status.OUT_OF_RANGE]: 400,
  [status.UNAUTHENTICATED]: 401,
  [status.PERMISSION_DENIED]: 403,
  [status.NOT_FOUND]: 404,
  [status.RESOURCE_EXHAUSTED]: 429,
  [status.UNIMPLEMENTED]: 501,
  [status.UNAVAILABLE]: 503,
  [status.DEADLINE_EXCEEDED]: 504,
};
/** Each side says so of a message beyond its bound, whichever sent it. */
const TOO_LARGE = /larger than max/;
/** How grpc-js says that a call ended without a status of the server. */
const NO_STATUS = /^Received RST_STREAM/;

const Details = z.object({
  details: z.array(z.object({ type_url: z.string(), value: z.instanceof(Uint8Array) })),
});
const RetryInfo = z.object({ retry_delay: z.object({ seconds: z.number(), nanos: z.number() }) });
const proto = new ProtoFile(new URL('./status.proto', import.meta.url));

export function failureOf(name: string, error: ServiceError, progress: Progress): PlatformError {
  const { code, details, metadata } = error;
  // What this side finds by itself has no metadata, what a server answers at once has at least a media type.
  const own = Object.keys(metadata.getMap()).length === 0;
  // A call that this side did not cancel was cut off by the other one.
  const lost = code === status.UNAVAILABLE || code === status.CANCELLED || NO_STATUS.test(details);
  if (lost && progress.begun)
    return new PlatformError(
      'upstream_interrupted',
      `${name} broke off in the middle of its answer. Try again, or choose another model.`,
      { cause: error },
    );
  if (lost && own && !progress.accepted)
    return new PlatformError(
      'upstream_failed',
      `${name} cannot be reached. Try again, or choose another model.`,
      { cause: error },
    );
  if (code === status.RESOURCE_EXHAUSTED && TOO_LARGE.test(details))
    return own && progress.accepted
      ? new PlatformError('upstream_failed', `${name} sent an answer beyond its bound.`, { cause: error })
      : upstreamError({ message: details, status: 413 });
  return upstreamError({
    message: details,
    status: HTTP_STATUS[code] ?? 502,
    retry_after_ms: retryDelayMs(metadata),
  });
}

/** How long a server asks to wait: by RetryInfo in the details of its status, or by the headers of HTTP. */
function retryDelayMs(metadata: Metadata): number | undefined {
  const [bytes] = metadata.get('grpc-status-details-bin');
  const delay_ms = bytes instanceof Uint8Array ? retryInfoMs(bytes) : undefined;
  if (delay_ms !== undefined) return retryAfterMs({ 'retry-after-ms': String(delay_ms) });
  const headers = Object.entries(metadata.getMap()).map(([key, value]) => [key, String(value)]);
  return retryAfterMs(Object.fromEntries(headers));
}

function retryInfoMs(bytes: Uint8Array): number | undefined {
  try {
    const { details } = Details.parse(proto.decode('google.rpc.Status', bytes));
    const info = details.find(({ type_url }) => type_url.endsWith('/google.rpc.RetryInfo'));
    if (info === undefined) return undefined;
    const { retry_delay } = RetryInfo.parse(proto.decode('google.rpc.RetryInfo', info.value));
    return retry_delay.seconds * 1000 + retry_delay.nanos / 1e6;
  } catch {
    // Details that cannot be read say nothing.
    return undefined;
  }
}
