/** One JSON request to a key management service, bounded in time, whose failures are told apart. */
import { jsonOf } from '@mcp/contracts';
import { textAtMost } from '@mcp/service-kit';
import type { z } from 'zod';
import { KMS_TIMEOUT_MS, kmsAway, kmsRefuses } from './kms.ts';

/** Of an error, or of a data key: more is none of a key management service. */
const MAX_ANSWER_BYTES = 64 * 1024;

export interface KmsRequest<S extends z.ZodType> {
  /** What it is, for messages. */
  readonly name: string;
  readonly url: string;
  readonly headers: Readonly<Record<string, string>>;
  /** Undefined: it is a GET. */
  readonly body: object | undefined;
  readonly answer: S;
}

export async function askKms<S extends z.ZodType>(request: KmsRequest<S>): Promise<z.output<S>> {
  const { name, url, headers, body, answer } = request;
  let status: number;
  let text: string;
  try {
    const response = await fetch(url, {
      headers: { ...headers, ...(body === undefined ? {} : { 'content-type': 'application/json' }) },
      ...(body === undefined ? {} : { method: 'POST', body: JSON.stringify(body) }),
      redirect: 'error',
      signal: AbortSignal.timeout(KMS_TIMEOUT_MS),
    });
    status = response.status;
    text = (await textAtMost(response, MAX_ANSWER_BYTES)) ?? '';
  } catch (cause) {
    throw kmsAway(name, cause);
  }
  // 472 and 473 are standbys of Vault.
  if (status === 429 || status === 472 || status === 473 || status >= 500)
    throw kmsAway(name, new Error(`status ${status}: ${text.slice(0, 500)}`));
  if (status !== 200) throw kmsRefuses(name, `status ${status}`, new Error(text.slice(0, 500)));
  const parsed = answer.safeParse(jsonOf(text));
  if (parsed.success) return parsed.data;
  throw kmsRefuses(name, 'its answer is not that of such a service', parsed.error);
}
