/** How a backend that asks its server over gRPC is put under test. */
import type { Metadata } from '@grpc/grpc-js';
import type { StandIn } from './upstreams.ts';

/** The call that is answered, as far as a failing server uses it. */
interface GrpcCall {
  write(message: Buffer): unknown;
  end(): unknown;
  emit(event: 'error', error: { code: number; details: string; metadata?: Metadata }): boolean;
}
export type GrpcAnswer = (call: GrpcCall) => void;

export interface GrpcServer {
  readonly url: string;
  /** Requests for words that are being answered now. */
  readonly open: () => number;
  close(): Promise<void>;
}

export interface OverGrpc extends StandIn {
  /** A server with one chat model, `chat`, that answers requests for words so. It takes messages of so many bytes. */
  answering(answer: GrpcAnswer, max_bytes?: number): Promise<GrpcServer>;
  /** What a server tells of its model, `chat`. */
  readonly described: Buffer;
  /** One whole message of an answer that goes on. */
  readonly begun: Buffer;
  /** A message that is something else than an answer with words. */
  readonly wrong_shape: Buffer;
  /** A message that says of an answer that it has failed. */
  failed(message: string): Buffer;
}
