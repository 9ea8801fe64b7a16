/** What only administrators may do, or only they and whom it is about. */
import { type CallContext, PlatformError } from '@mcp/contracts';

type Caller = Pick<CallContext, 'principal'>;

/** Throws `forbidden` where the caller is no administrator; `why` is a sentence that says whom it is for. */
export function requireAdmin({ principal }: Caller, why: string): void {
  if (principal.scopes.includes('admin')) return;
  throw new PlatformError('forbidden', `${why} Use a key with the admin scope.`);
}

/** As {@link requireAdmin}, for what an owner may do, too; `what` begins the sentence about them: `The jobs of key:1 are`. */
export function requireSubject(owner: string, { principal }: Caller, what: (owner: string) => string): void {
  if (principal.id === owner || principal.scopes.includes('admin')) return;
  throw new PlatformError(
    'forbidden',
    `${what(owner.slice(0, 80))} for them and for administrators. Ask with their key, or with one of the admin scope.`,
  );
}
