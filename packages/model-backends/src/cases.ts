/**
 * What every backend has to do, case by case: the conformance suite (`test/conformance.test.ts`) runs each for each
 * backend, and the table in docs/backends.md is written from the same rows.
 */
import type { BackendManifest, Feature } from '@mcp/contracts';
import { supportOf } from './features.ts';

/** What a provider may not offer at all. A backend refuses it then, instead of asking for something else. */
export type Offer = 'tools' | 'json_schema' | 'images' | 'embeddings' | 'prefill';

export interface Case {
  readonly title: string;
  readonly needs?: Offer;
  /** It is about the server behind: a backend of the process itself has none. */
  readonly elsewhere?: true;
  /** It is about a status that HTTP alone has. */
  readonly of_http?: true;
}

const server = (title: string) => ({ title, elsewhere: true }) as const;
const httpServer = (title: string) => ({ title, elsewhere: true, of_http: true }) as const;

export const CASES = {
  models: { title: 'models described' },
  text: { title: 'text, whole' },
  stream: { title: 'text, streamed' },
  tools: { title: 'tool calls', needs: 'tools' },
  json_schema: { title: 'output by JSON schema', needs: 'json_schema' },
  images: { title: 'images', needs: 'images' },
  embeddings: { title: 'embeddings', needs: 'embeddings' },
  prefill: { title: 'answer that has begun gone on with', needs: 'prefill' },
  usage: { title: 'usage' },
  finish_length: { title: 'finish reason `length`' },
  finish_stop: { title: 'finish reason `stop`, by a stop sequence' },
  unknown_model: { title: 'unknown model' },
  count: { title: 'tokens counted' },
  at_once: { title: 'answers at once kept apart' },
  abort_before: { title: 'abort before the call' },
  abort_middle: { title: 'abort in the middle' },
  close: { title: 'closed in the middle' },
  deadline_silent: server('deadline, server silent'),
  deadline_middle: server('deadline, server silent in the middle'),
  status_400: server('400'),
  status_401: server('401'),
  status_403: server('403'),
  status_404: server('404'),
  status_408: httpServer('408'),
  status_413: server('413'),
  status_500: server('500'),
  status_502: httpServer('502'),
  status_503: server('503'),
  status_504: server('504'),
  status_529: httpServer('529'),
  retry_after_none: server('429, no `Retry-After`'),
  retry_after_seconds: server('429, `Retry-After` in seconds'),
  retry_after_date: server('429, `Retry-After` as a date'),
  retry_after_ms: server('429, `retry-after-ms`'),
  context_exceeded: server('prompt too long'),
  unreachable: server('nothing listens'),
  reset_before: server('connection reset before the answer'),
  reset_middle: server('connection reset between events'),
  half_event: server('connection reset in an event'),
  ends_early: server('stream ends before its last event'),
  malformed: server('event that is not JSON'),
  wrong_shape: server('event of another shape'),
  wrong_type: server('HTML instead of a stream'),
  slow_drip: server('stream byte by byte'),
} as const satisfies Readonly<Record<string, Case>>;

export type CaseName = keyof typeof CASES;

const FEATURE_OF = {
  tools: 'tools',
  json_schema: 'response_format',
  images: 'pictures',
} as const satisfies Readonly<Record<Exclude<Offer, 'embeddings' | 'prefill'>, Feature>>;

export type Transport = BackendManifest['transports'][number];
type Offering = Pick<BackendManifest, 'features' | 'lacks' | 'runs'>;

/** Whether what is behind a backend offers something at all. */
export function offers({ features, lacks }: Offering, offer: Offer): boolean {
  if (offer === 'embeddings' || offer === 'prefill' || lacks.includes(offer)) return !lacks.includes(offer);
  return ['yes', 'passed on'].includes(supportOf(features, FEATURE_OF[offer]).support);
}

/** How a case stands for a backend; what is not offered is tested to be refused. `none`: there is nothing to be tested. */
export function caseOf(
  manifest: Offering,
  name: CaseName,
  transport: Transport = 'http',
): 'tested' | 'not offered' | 'none' {
  const one: Case = CASES[name];
  if (one.elsewhere === true && manifest.runs === 'in-process') return 'none';
  if (one.of_http === true && transport !== 'http') return 'none';
  return one.needs === undefined || offers(manifest, one.needs) ? 'tested' : 'not offered';
}
