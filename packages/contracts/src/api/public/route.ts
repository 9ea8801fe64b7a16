import type { z } from 'zod';
import type { ErrorCode } from '../../tables/errors.ts';
import type { Scope } from '../call.ts';

/** What belongs together, in the order of the page. */
export const TAGS = {
  openai: "OpenAI's wire: completions, embeddings, moderations, models",
  anthropic: "Anthropic's wire: messages",
  conversations: 'Conversations of models, their logs and proofs',
  jobs: 'Long work with progress',
  platform: 'Regions and traces',
  admin: 'Keys, figures, flags, governance; for the scope admin',
  service: 'Health, and the pages of this service',
} as const;

/** A schema under the name that the document gives it. */
export interface Named {
  readonly name: string;
  readonly schema: z.ZodType;
}

export function named(name: string, schema: z.ZodType): Named {
  return { name, schema };
}

/** One way in which a route answers well, or refuses by a protocol of its own. */
export interface PublicAnswer {
  readonly status: 101 | 200 | 201 | 202 | 204 | 400 | 403 | 404 | 409 | 422;
  readonly description: string;
  /** Absent where there is no body. */
  readonly content_type?: string;
  /** Of JSON, the value; of server-sent events, the data of each. Absent for text and files. */
  readonly body?: Named;
}

/** A route of the public interface, as the document at `/openapi.json` has it. */
export interface PublicRoute {
  readonly tag: keyof typeof TAGS;
  readonly summary: string;
  readonly description?: string;
  /** What a key needs; absent: it is for everybody. */
  readonly scope?: Scope;
  /** Whether models are asked: then it takes a deadline, a class and a residency, and may find them overloaded. */
  readonly asks_models?: true;
  /** Parameters of the path by name, in words. */
  readonly params?: Readonly<Record<string, string>>;
  readonly query?: z.ZodObject;
  /** Headers that it reads beside those of every route, in words. */
  readonly headers?: Readonly<Record<string, string>>;
  readonly body?: Named & { readonly example: unknown };
  readonly answers: readonly PublicAnswer[];
  /** The wire whose shape its errors have; absent: they are problems (RFC 9457). */
  readonly errors?: 'openai' | 'anthropic';
  /** Codes that it knows beside those of every route of its kind. */
  readonly codes?: readonly ErrorCode[];
}

/** Routes by method and path, as their app names them: `GET /v1/jobs/:id`. */
export type PublicRoutes = Readonly<Record<`${'GET' | 'POST' | 'DELETE'} /${string}`, PublicRoute>>;

/** Answers with one JSON value. */
export function json(description: string, body: Named, status: 200 | 201 | 202 = 200): PublicAnswer {
  return { status, description, content_type: 'application/json', body };
}

/** Answers with server-sent events. */
export function events(description: string, body: Named): PublicAnswer {
  return { status: 200, description, content_type: 'text/event-stream', body };
}

/** Answers with a text or a file. */
export function text(
  description: string,
  content_type: string,
  status: PublicAnswer['status'] = 200,
): PublicAnswer {
  return { status, description, content_type };
}
