/** What auditors are given, and what is kept and erased for the people whose data it is. */
import { AuditBundle, AuditBundlePage, ListAuditBundlesQuery } from '../../tables/audit.ts';
import { json, named, type PublicRoutes } from './route.ts';

export const auditRoutes = {
  'GET /v1/audit/bundles': {
    tag: 'admin',
    summary: 'List audit bundles, the newest first',
    scope: 'admin',
    query: ListAuditBundlesQuery,
    answers: [json('A page of them.', named('AuditBundlePage', AuditBundlePage))],
  },
  'GET /v1/audit/bundles/:id': {
    tag: 'admin',
    summary: 'Read an audit bundle, byte for byte as it was signed',
    description: 'Check it offline with `mcp audit verify`; see docs/audit.md.',
    scope: 'admin',
    params: { id: 'Id of the bundle.' },
    answers: [json('The bundle.', named('AuditBundle', AuditBundle))],
    codes: ['not_found'],
  },
} as const satisfies PublicRoutes;
