import type { ChainVerdict } from '@mcp/contracts';
import { plural, short } from '../format.ts';
import { Notice } from '../ui/basics.tsx';

/** What checking a hash chain found. */
export function VerdictNotice({ verdict, of }: { readonly verdict: ChainVerdict; readonly of: string }) {
  return (
    <div role="status">
      {verdict.ok ? (
        <Notice tone="good" title="The chain is intact">
          <p>
            {of}: {plural(verdict.records, 'record')}, each sealed by the hash of the one before.
            {verdict.head === null ? null : (
              <>
                {' '}
                Head <code title={verdict.head}>{short(verdict.head, 12)}</code>
              </>
            )}
          </p>
        </Notice>
      ) : (
        <Notice tone="bad" title="The chain is broken">
          <p>
            {of}: {verdict.reason ?? 'the records do not fit together'}
            {verdict.broken_at === null ? '.' : ` (first at record ${verdict.broken_at}).`}
          </p>
        </Notice>
      )}
    </div>
  );
}
