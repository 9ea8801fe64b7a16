import type { z } from 'zod';
import type { ServiceName } from '../tables/service-name.ts';
import type { CallContext } from './call.ts';

/** What every endpoint of an internal API says of itself; its client and its server are made from that. */
interface EndpointBase {
  readonly method: 'GET' | 'POST';
  /** With at most one parameter: `/internal/jobs/:id`. */
  readonly path: string;
  /** How the parameter of the path is checked; required where there is one. */
  readonly param?: 'uuid' | 'text';
  readonly query?: z.ZodObject;
  readonly body?: z.ZodType;
  /** Largest body, where it may be larger than requests of clients. */
  readonly max_body_bytes?: number;
  /** Services that may ask; all others are refused. */
  readonly callers: readonly ServiceName[];
  /** Whether it may be asked again when a connection broke off before its answer; every GET may. */
  readonly idempotent?: boolean;
}

/** Answers with one JSON value. */
export interface JsonEndpoint extends EndpointBase {
  readonly answers: 'json';
  readonly answer: z.ZodType;
  readonly status?: 200 | 201 | 202;
  /** `long`: it lasts as long as a model works, and has connections of its own. */
  readonly lane?: 'short' | 'long';
}

/** Answers with a stream of JSON values, one a line (NDJSON). */
export interface EventsEndpoint extends EndpointBase {
  readonly answers: 'events';
  readonly event: z.ZodType;
}

/** Answers with a file. */
export interface BytesEndpoint extends EndpointBase {
  readonly answers: 'bytes';
}

export type Endpoint = JsonEndpoint | EventsEndpoint | BytesEndpoint;
/** An internal API: its methods by name. */
export type Endpoints = Readonly<Record<string, Endpoint>>;

type Param<E extends Endpoint> = E extends { readonly param: string } ? [id: string] : [];
type Query<E extends Endpoint> = E extends { readonly query: infer Q extends z.ZodType }
  ? [query: z.output<Q>]
  : [];
type Body<E extends Endpoint> = E extends { readonly body: infer B extends z.ZodType }
  ? [request: z.output<B>]
  : [];
type Answer<E extends Endpoint> = E extends JsonEndpoint
  ? Promise<z.output<E['answer']>>
  : E extends EventsEndpoint
    ? AsyncIterable<z.output<E['event']>>
    : AsyncIterable<Uint8Array>;

/** The interface that a table describes, the same in process and over HTTP: `(id?, query?, request?, call)`. */
export type ApiOf<T extends Endpoints> = {
  readonly [Name in keyof T]: (
    ...args: [...Param<T[Name]>, ...Query<T[Name]>, ...Body<T[Name]>, call: CallContext]
  ) => Answer<T[Name]>;
};

/** Keeps the exact types of a table, from which its interface is derived. */
export function defineApi<const T extends Endpoints>(endpoints: T): T {
  return endpoints;
}
