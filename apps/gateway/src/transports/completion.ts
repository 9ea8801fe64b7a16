import {
  type CallContext,
  type ChatCompletionRequest,
  type FORMATS,
  type ModelEvent,
  nameIn,
  type PiiAction,
} from '@mcp/contracts';
import { Findings, safetyHeader } from '@mcp/safety/guard';
import type { PiiSession } from '@mcp/safety/pii';
import { piiRouteOf } from '@mcp/safety/privacy';
import { type KitContext, parseBody, type RequestState, textAnswer } from '@mcp/service-kit';
import { type Completion, collect, ignoredIn } from '@mcp/wire';
import type { z } from 'zod';
import type { Gateway } from '../gateway.ts';
import { aliasLabel, CONVERSATIONS } from '../pipeline/aliases.ts';
import { CONTEXT_HEADER, type Fitting } from '../pipeline/fitting.ts';
import { complete } from '../pipeline/inference.ts';
import { contextOf } from './http.ts';

export const JSON_ANSWER = { content_type: 'application/json' } as const;
/** What the gateway itself took, in milliseconds. */
export const OVERHEAD_HEADER = 'x-mcp-overhead-ms';
/** The conversation that a request began or was recorded as. */
export const CONVERSATION_HEADER = 'x-mcp-conversation-id';

/** The model that answered, where an alias was asked or another one stood in. */
const MODEL_HEADER = 'x-mcp-model';

/** The model that broke off and the one that went on; in a stream a comment says so. */
const RESUMED_HEADER = 'x-mcp-resumed';

/** What the safety stages found so far and what was done about it; `passed` where they found nothing. */
const SAFETY_HEADER = 'x-mcp-safety';
/** What was done about personal data, and how much of which kind was found. */
const PII_HEADER = 'x-mcp-pii';
/** The risk of the request, its route, and what it comes from. */
export const RISK_HEADER = 'x-mcp-risk';
/** Fields of the request that changed no answer. */
const IGNORED_HEADER = 'x-mcp-ignored-fields';

type RequestSchema = z.ZodType<{ readonly model: string }>;

/** The body of a request to models, as it was sent; which of its fields were passed over is said in a header. */
export async function bodyAsSent<S extends RequestSchema>(
  gateway: Gateway,
  c: KitContext,
  schema: S,
): Promise<z.output<S>> {
  const request = await parseBody(c, schema, gateway.kit.config.MCP_MAX_BODY_BYTES);
  sayIgnored(c, ignoredIn(request));
  return request;
}

/** The same as models, and whoever stores it, may see it. Throws `content_filter` where personal data is refused. */
export async function inferenceBody<S extends RequestSchema>(
  gateway: Gateway,
  c: KitContext,
  schema: S,
): Promise<z.output<S>> {
  const request = await bodyAsSent(gateway, c, schema);
  const { session } = await privacyOf(gateway, c, request);
  return session?.asked(request) ?? request;
}

/** What becomes of personal data in a request and its answer. */
interface RequestPrivacy {
  readonly action: PiiAction;
  /** Undefined: nothing is changed. */
  readonly session: PiiSession | undefined;
}

const privacies = new WeakMap<RequestState, RequestPrivacy>();
const UNTOUCHED: RequestPrivacy = { action: 'tag', session: undefined };

/** Decides it, once for each request; its header tells of it. */
export async function privacyOf(
  { privacy }: Gateway,
  c: KitContext,
  { model }: { readonly model: string | undefined },
): Promise<RequestPrivacy> {
  const state = c.get('state');
  const route = piiRouteOf(c.req.path);
  if (route === undefined) return UNTOUCHED;
  const any = model === undefined || model.startsWith(CONVERSATIONS);
  const action = await privacy.action(route, any ? undefined : [model]);
  const decided = { action, session: await privacy.session(action) };
  privacies.set(state, decided);
  if (decided.session !== undefined) sayPrivacy(c, decided.session);
  return decided;
}

/** Tells in a header what was done by the time that headers are sent. */
export function sayPrivacy(c: KitContext, session: PiiSession): void {
  const state = c.get('state');
  state.onSeal(() => {
    state.headers[PII_HEADER] = session.header;
  });
}

/** What was decided of a request whose body has been read. */
export function decidedPrivacy(c: KitContext): RequestPrivacy {
  return privacies.get(c.get('state')) ?? UNTOUCHED;
}

function sayIgnored(c: KitContext, fields: readonly string[]): void {
  if (fields.length === 0) return;
  const { headers } = c.get('state');
  const before = headers[IGNORED_HEADER];
  const all = [...(before === undefined ? [] : before.split(', ')), ...fields];
  headers[IGNORED_HEADER] = [...new Set(all)].join(', ');
}

/** Of requests with several completions. */
const found = new WeakMap<RequestState, Findings>();

/** Where what the safety stages find of a request is gathered; its header and its span tell it. */
export function safetyOf(gateway: Gateway, c: KitContext): Findings {
  const state = c.get('state');
  const known = found.get(state);
  if (known !== undefined) return known;
  const findings = new Findings();
  found.set(state, findings);
  if (gateway.guard.policy.mode === 'off') return findings;
  state.onSeal(() => {
    state.headers[SAFETY_HEADER] = safetyHeader(findings.verdict);
  });
  state.onFinish(() => {
    const { verdict } = findings;
    if (verdict === undefined) return;
    state.span.set({ 'mcp.safety.action': verdict.action });
    gateway.kit.log.info({ request_id: state.request_id, safety: verdict }, 'safety findings');
  });
  return findings;
}

interface Asked {
  readonly request: ChatCompletionRequest;
  readonly call: CallContext;
  /** The format that it came in, by whose names what was ignored is told. */
  readonly format?: keyof typeof FORMATS;
  /** Its context is made to fit, as where the header asks for it. */
  readonly fit?: boolean;
}

/** The events of a completion that came in over HTTP, in whatever format; its span, metrics and headers name it. */
export function completionEvents(
  gateway: Gateway,
  c: KitContext,
  { request, call, format = 'chat', fit = false }: Asked,
): AsyncIterable<ModelEvent> {
  const state = c.get('state');
  state.phase = request.stream === true ? 'stream' : 'json';
  state.model = aliasLabel(gateway.graphs, request.model) ?? gateway.models.label(request.model);
  return complete(gateway, {
    request,
    call,
    findings: safetyOf(gateway, c),
    privacy: decidedPrivacy(c),
    onRisk: (header) => {
      state.headers[RISK_HEADER] = header;
    },
    onConversation: (id) => {
      state.headers[CONVERSATION_HEADER] = id;
    },
    onServed: (model) => {
      state.headers[MODEL_HEADER] = headerText(model);
    },
    onResumed: ({ from, to }) => {
      state.headers[RESUMED_HEADER] = `${headerText(from)} ${headerText(to)}`;
    },
    onIgnored: (fields) =>
      sayIgnored(
        c,
        fields.flatMap((field) => nameIn(format, field) ?? []),
      ),
    onFitted:
      fit || contextOf(c) === 'fit'
        ? (fitting) => {
            state.headers[CONTEXT_HEADER] = fittingText(fitting);
          }
        : undefined,
  });
}

/** What was done to the context, as the value of a header. */
function fittingText({ action, input_tokens, max_context_tokens, dropped_messages }: Fitting): string {
  return `${action}; input_tokens=${input_tokens}; max_context_tokens=${max_context_tokens}; dropped_messages=${dropped_messages}`;
}

/** A completion as a whole, and as the text of an answer. */
export async function gathered(
  c: KitContext,
  events: AsyncIterable<ModelEvent>,
  encode: (completion: Completion) => object,
): Promise<{ readonly completion: Completion; readonly text: string }> {
  const { headers, started_ms } = c.get('state');
  const before_ms = performance.now() - started_ms;
  const completion = await collect(events);
  const answered_ms = performance.now();
  const text = JSON.stringify(encode(completion));
  headers[OVERHEAD_HEADER] = (before_ms + performance.now() - answered_ms).toFixed(3);
  return { completion, text };
}

/** Answers with a whole completion. */
export async function wholeAnswer(
  c: KitContext,
  events: AsyncIterable<ModelEvent>,
  encode: (completion: Completion) => object,
): Promise<Response> {
  return textAnswer(c, (await gathered(c, events, encode)).text, JSON_ANSWER);
}

/** Says what the gateway took until a stream was asked for. */
export function noteOverhead(c: KitContext): void {
  const { headers, started_ms } = c.get('state');
  headers[OVERHEAD_HEADER] = (performance.now() - started_ms).toFixed(3);
}

/** A model's id as the value of a header, which takes printable ASCII. */
function headerText(id: string): string {
  return /^[\x21-\x7e]+$/.test(id) ? id : encodeURIComponent(id.toWellFormed());
}
