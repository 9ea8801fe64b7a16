/** One generation from its plan to its last event: who is asked, who stands in, who goes on where it breaks off. */
import type { CallContext, ChatCompletionRequest, ModelEvent } from '@mcp/contracts';
import { NONE, type Plan, type Planner } from './aliases/plan.ts';
import { type Asked, type Attempt, type AttemptDeps, firstSuccess } from './attempts.ts';
import { cheapest } from './cascade.ts';
import { hedged } from './hedge.ts';
import { infer, type Offered } from './inference.ts';
import { accepted, begun, type Opened, opening } from './opening.ts';
import { isResumable, resumed } from './resume.ts';
import type { Route } from './route.ts';

export interface GenerationDeps extends AttemptDeps {
  readonly planner: Planner;
}

/** Asks the model, or those of the alias, and those that stand in for it while nothing has been said yet. */
export function generate(
  deps: GenerationDeps,
  request: ChatCompletionRequest,
  call: CallContext,
): AsyncIterable<ModelEvent> {
  return opening(async () => {
    const planned = deps.planner.ofRequest(request, call);
    const plan = planned instanceof Promise ? await planned : planned;
    const resumes = (call.on_interrupt ?? plan.alias?.on_interrupt) === 'resume' && isResumable(request);
    const opening = { deps, plan, resumes };
    const opened = await openCheapest(opening, request, call);
    if (!resumes) return opened;
    // Whoever goes on is asked at once and alone: what is late already is no case for two.
    const further = { ...opening, hedges: false };
    const rest = resumed({
      request,
      call,
      opened,
      reopen: ({ request: rest, ...failed }) => openFirst(further, rest, { call, failed }),
      onResumed: () => deps.kit.metrics.inc('model_streams_resumed_total', { model: plan.asked }),
    });
    return { first: [], rest };
  });
}

/** The answer of the cheapest candidate where it is adequate, else that of the others; of those it is the last. */
async function openCheapest(
  opening: Opening,
  request: ChatCompletionRequest,
  call: CallContext,
): Promise<Opened> {
  const { deps, plan } = opening;
  const cascade = plan.alias?.cascade;
  const [first, ...others] = plan.models;
  if (cascade === undefined || first !== cascade.model || others.length === 0)
    return openFirst(opening, request, { call });
  const alone = { ...opening, plan: { ...plan, models: [first], chains: NONE }, hedges: false };
  const { status, opened } = await cheapest({
    terms: cascade.terms,
    request,
    call,
    ask: (asked, once) => openFirst(alone, asked, { call: once }),
  });
  deps.kit.metrics.inc('model_cascades_total', { alias: plan.asked, status });
  if (opened !== undefined) return opened;
  return openFirst({ ...opening, plan: { ...plan, models: [...others, first] } }, request, { call });
}

interface Opening {
  readonly deps: GenerationDeps;
  readonly plan: Plan;
  readonly resumes: boolean;
  readonly hedges?: boolean;
}

function openFirst(
  opening: Opening,
  request: ChatCompletionRequest,
  { call, failed }: Pick<Asked, 'call' | 'failed'>,
): Promise<Opened> {
  const asked = {
    plan: opening.plan,
    kind: 'chat',
    call,
    ...(failed === undefined ? {} : { failed }),
  } as const;
  return firstSuccess(opening.deps, asked, (attempt) => open(opening, attempt, { request, call }));
}

/** A stream that has begun. Where somebody else could still answer, it has begun with its first word. */
function open(
  { deps, plan, resumes, hedges = true }: Opening,
  attempt: Attempt,
  { request, call }: { readonly request: ChatCompletionRequest; readonly call: CallContext },
): Promise<Opened> {
  const { alias, chains } = plan;
  const looks = alias !== undefined || resumes || attempt.routes.length > 1 || chains.error.length > 0;
  const openAt = async (offered: Offered, within: CallContext): Promise<Opened> => {
    if (!looks) return accepted(infer(deps, offered, { request, call: within }));
    const at = watched(offered);
    const events = infer(deps, at.offered, { request, call: within });
    const opened = await begun(events, { refusable: chains.content.length > 0 });
    return { ...opened, route: at.route() };
  };
  if (!hedges || alias?.hedging === undefined || request.stream !== true) return openAt(attempt, call);
  return hedged({
    hedging: alias.hedging,
    call,
    first: attempt,
    beside: attempt.beside,
    open: openAt,
    onHedge: (won) => deps.kit.metrics.inc('model_hedges_total', { alias: plan.asked, won }),
  });
}

/** The same offer, of which the server that was asked in the end is known. */
function watched(offered: Offered): { readonly offered: Offered; route(): Route | undefined } {
  let reached: Route | undefined;
  return {
    offered: {
      ...offered,
      reach(route) {
        offered.reach(route);
        reached = route;
      },
    },
    route: () => reached,
  };
}
