/** What is done about personal data in what models say; in questions the gateway has done it. */
import type { LogRecord, PiiAction } from '@mcp/contracts';
import { PiiSession } from '@mcp/safety/pii';
import type { PiiPolicy } from '@mcp/safety/privacy';
import type { CoreKit } from '../kit.ts';

/** Undefined: what models say is kept as they say it. */
export type AnswerPrivacy = (
  action: PiiAction | undefined,
  records: readonly LogRecord[],
) => PiiSession | undefined;

/** By the policy of the platform. A model that was shown names alone has nobody's data to tell. */
export function answerPrivacy({ metrics }: Pick<CoreKit, 'metrics'>, policy: PiiPolicy): AnswerPrivacy {
  return (action, records) => {
    if (action !== 'redact' && action !== 'block') return undefined;
    const onFound = (kind: string, phase: string) =>
      metrics.inc('pii_found_total', { kind, phase, status: action });
    const session = new PiiSession({ action, policy, onFound });
    for (const { content } of records) session.pseudonyms.reserve(content);
    return session;
  };
}
