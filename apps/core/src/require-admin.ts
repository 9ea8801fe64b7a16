import { type CallContext, PlatformError } from '@mcp/contracts';

/** Throws `forbidden` where the caller is no administrator; `why` is a sentence that says whom it is for. */
export function requireAdmin({ principal }: Pick<CallContext, 'principal'>, why: string): void {
  if (principal.scopes.includes('admin')) return;
  throw new PlatformError('forbidden', `${why} Use a key with the admin scope.`);
}
