/** One generation from its plan to its last event: who is asked, who stands in. */
import type { CallContext, ChatCompletionRequest, ModelEvent } from '@mcp/contracts';
import type { Plan, Planner } from './aliases/plan.ts';
import { type Attempt, type AttemptDeps, firstSuccess } from './attempts.ts';
import { hedged } from './hedge.ts';
import { infer, type Offered } from './inference.ts';
import { accepted, begun, type Opened } from './opening.ts';

export interface GenerationDeps extends AttemptDeps {
  readonly planner: Planner;
}

interface Asked {
  readonly request: ChatCompletionRequest;
  readonly call: CallContext;
}

/** Asks the model, or those of the alias, and those that stand in for it while nothing has been said yet. */
export async function* generate(
  deps: GenerationDeps,
  request: ChatCompletionRequest,
  call: CallContext,
): AsyncGenerator<ModelEvent> {
  const planned = deps.planner.ofRequest(request, call);
  const plan = planned instanceof Promise ? await planned : planned;
  const opened = await firstSuccess(deps, { plan, kind: 'chat', call }, (attempt) =>
    open(deps, { plan, attempt }, { request, call }),
  );
  yield* eventsOf(opened);
}

async function* eventsOf({ first, rest, dispose }: Opened): AsyncGenerator<ModelEvent> {
  try {
    for (const event of first) yield event;
    yield* { [Symbol.asyncIterator]: () => rest };
  } finally {
    dispose();
  }
}

/** A stream that has begun. Where somebody else could still answer, it has begun with its first word. */
function open(
  deps: GenerationDeps,
  { plan, attempt }: { readonly plan: Plan; readonly attempt: Attempt },
  { request, call }: Asked,
): Promise<Opened> {
  const { alias, chains } = plan;
  const looks = alias !== undefined || attempt.routes.length > 1 || chains.error.length > 0;
  const openAt = (offered: Offered, within: CallContext) => {
    const events = infer(deps, offered, { request, call: within });
    return looks ? begun(events, { refusable: chains.content.length > 0 }) : accepted(events);
  };
  if (alias?.hedging === undefined || request.stream !== true) return openAt(attempt, call);
  return hedged({
    hedging: alias.hedging,
    call,
    first: attempt,
    beside: attempt.beside,
    open: openAt,
    onHedge: (won) => deps.kit.metrics.inc('model_hedges_total', { alias: plan.asked, won }),
  });
}
