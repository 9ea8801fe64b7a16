import { setTimeout as sleep } from 'node:timers/promises';
import { PlatformError, Principal, RIGHTS_SUBJECT, type RightsAnswer } from '@mcp/contracts';
import type { Bus, Logger } from '@mcp/service-kit';
import type { Authenticator } from './authenticator.ts';

const RETRY_MS = 1000;
const GROUP = 'gateways';

interface RightsParts {
  readonly bus: () => Promise<Bus>;
  readonly authenticator: Authenticator;
  readonly log: Logger;
}

/** Answers, on the event bus, which rights a principal has by now. Returns how to stop. */
export function answerRights({ bus, authenticator, log }: RightsParts): () => void {
  const closing = new AbortController();
  const serve = async () => {
    const questions = (await bus()).connection.subscribe(RIGHTS_SUBJECT, { queue: GROUP });
    const stop = () => questions.unsubscribe();
    closing.signal.addEventListener('abort', stop, { once: true });
    if (closing.signal.aborted) stop();
    for await (const question of questions)
      question.respond(JSON.stringify(answerTo(authenticator, question.string())));
  };
  void (async () => {
    while (!closing.signal.aborted) {
      await serve().catch((error: unknown) => {
        if (!closing.signal.aborted)
          log.warn({ err: error }, 'rights cannot be told on the event bus; trying again');
      });
      await sleep(RETRY_MS, undefined, { signal: closing.signal, ref: false }).catch(() => undefined);
    }
  })();
  return () => closing.abort();
}

function answerTo(authenticator: Authenticator, text: string): RightsAnswer {
  try {
    return { ok: true, principal: authenticator.rightsNow(Principal.parse(JSON.parse(text))) };
  } catch (error) {
    return {
      ok: false,
      message: error instanceof PlatformError ? error.message : 'The question cannot be read.',
    };
  }
}
