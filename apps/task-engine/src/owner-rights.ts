import { PlatformError, type Principal, RIGHTS_SUBJECT, RightsAnswer } from '@mcp/contracts';
import type { Bus } from '@mcp/service-kit';

const ANSWER_MS = 2000;
const LOOK_EVERY_MS = 5000;

/**
 * A job's owner with the rights it has by now, as the gateways say. Throws `forbidden` when none are left, `unavailable`
 * while no gateway is there to say.
 */
export async function rightsNow(bus: Bus, owner: Principal): Promise<Principal> {
  let answer: RightsAnswer;
  try {
    const reply = await bus.connection.request(RIGHTS_SUBJECT, JSON.stringify(owner), { timeout: ANSWER_MS });
    answer = RightsAnswer.parse(reply.json());
  } catch (cause) {
    throw new PlatformError(
      'unavailable',
      'No gateway says whether the owner of this job may still have it done.',
      {
        cause,
        retry_after_ms: ANSWER_MS,
      },
    );
  }
  const may =
    answer.ok && (answer.principal.scopes.includes('jobs') || answer.principal.scopes.includes('admin'));
  if (answer.ok && may) return answer.principal;
  throw new PlatformError(
    'forbidden',
    answer.ok
      ? 'The owner of this job has the scope jobs no more.'
      : `The owner of this job may not have it done any more: ${answer.message}`,
  );
}

/** Calls back once the owner of a job at work has lost its rights. Returns how to stop. */
export function watchRights(bus: Bus, owner: Principal, onLost: (error: PlatformError) => void): () => void {
  const timer = setInterval(() => {
    rightsNow(bus, owner).catch((error: unknown) => {
      // While nobody can say, the work goes on.
      if (error instanceof PlatformError && error.code === 'forbidden') onLost(error);
    });
  }, LOOK_EVERY_MS);
  timer.unref();
  return () => clearInterval(timer);
}
