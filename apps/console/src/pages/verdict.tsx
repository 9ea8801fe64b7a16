import type { ChainVerdict } from '@mcp/contracts';
import { plural, short } from '../format.ts';
import { Notice } from '../ui/basics.tsx';

/** What checking a hash chain found. */
export function VerdictNotice({ verdict, of }: { readonly verdict: ChainVerdict; readonly of: string }) {
  return <div role="status">{noticeOf(verdict, of)}</div>;
}

function noticeOf(verdict: ChainVerdict, of: string) {
  switch (verdict.status) {
    case 'ok':
      return (
        <Notice tone="good" title="The chain is intact">
          <p>
            {of}: {plural(verdict.records, 'record')}, each with the hash of the one before.
            {verdict.head === null ? null : (
              <>
                {' '}
                Head <code title={verdict.head}>{short(verdict.head, 12)}</code>
              </>
            )}
          </p>
        </Notice>
      );
    case 'erased':
      return (
        <Notice tone="good" title="Erased, and the chain is intact">
          <p>
            {of}: {verdict.reason}
          </p>
        </Notice>
      );
    case 'unconfirmed':
      return (
        <Notice tone="warn" title="Not confirmed yet">
          <p>
            {of}: {verdict.reason}
          </p>
        </Notice>
      );
    case 'broken':
      return (
        <Notice tone="bad" title="The chain is broken">
          <p>
            {of}: {verdict.reason ?? 'the records do not fit together'}
            {verdict.broken_at === null ? '.' : ` (first at record ${verdict.broken_at}).`}
          </p>
        </Notice>
      );
    default:
      return verdict.status satisfies never;
  }
}
