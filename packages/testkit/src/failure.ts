import { PlatformError } from '@mcp/contracts';

/** What a promise or stream fails with; what is no PlatformError is thrown on. */
export async function failure(work: Promise<unknown> | AsyncIterable<unknown>): Promise<PlatformError> {
  try {
    if (work instanceof Promise) await work;
    else for await (const _ of work);
  } catch (error) {
    if (error instanceof PlatformError) return error;
    throw error;
  }
  throw new Error('it did not fail');
}
