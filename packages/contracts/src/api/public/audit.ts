/** What auditors are given, and what is kept and erased for the people whose data it is. */
import { AuditBundle, AuditBundlePage, ListAuditBundlesQuery } from '../../tables/audit.ts';
import {
  ExportSubjectQuery,
  LegalHold,
  LegalHoldPage,
  ListLegalHoldsQuery,
  RetentionReport,
  RetentionReportQuery,
  SetLegalHold,
  SubjectErasure,
  SubjectPage,
} from '../../tables/retention.ts';
import { json, named, type PublicRoutes } from './route.ts';

const subject = { id: 'Id of a principal, such as `key:…`, percent-encoded.' };

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
  'GET /admin/retention': {
    tag: 'admin',
    summary: 'Read how long is kept what, what was erased, and what that was in sums',
    scope: 'admin',
    query: RetentionReportQuery,
    answers: [json('The report.', named('RetentionReport', RetentionReport))],
  },
  'GET /admin/legal-holds': {
    tag: 'admin',
    summary: 'List legal holds, those that were lifted as well, the newest first',
    scope: 'admin',
    query: ListLegalHoldsQuery,
    answers: [json('A page of them.', named('LegalHoldPage', LegalHoldPage))],
  },
  'POST /admin/legal-holds': {
    tag: 'admin',
    summary: 'Keep what an owner said, or one conversation, from being erased',
    scope: 'admin',
    body: { ...named('SetLegalHold', SetLegalHold), example: { owner: 'key:…', reason: 'Case 7/26' } },
    answers: [json('The hold.', named('LegalHold', LegalHold), 201)],
  },
  'DELETE /admin/legal-holds/:id': {
    tag: 'admin',
    summary: 'Lift a legal hold',
    scope: 'admin',
    params: { id: 'Id of the hold.' },
    answers: [json('The hold as it was lifted.', named('LegalHold', LegalHold))],
    codes: ['not_found', 'conflict'],
  },
  'GET /v1/subjects/:id/export': {
    tag: 'conversations',
    summary: 'Export everything that is stored of one owner',
    description: "For one's own id, or any with the scope `admin`. That it was given is recorded.",
    scope: 'chat',
    params: subject,
    query: ExportSubjectQuery,
    answers: [json('A page of it.', named('SubjectPage', SubjectPage))],
    codes: ['forbidden'],
  },
  'DELETE /v1/subjects/:id': {
    tag: 'conversations',
    summary: 'Erase everything that is stored of one owner',
    description:
      'Some conversations at a time: ask again until `complete`. The chains of their hashes stay. Refused where a legal hold keeps one.',
    scope: 'chat',
    params: subject,
    answers: [json('What was erased.', named('SubjectErasure', SubjectErasure))],
    codes: ['forbidden', 'conflict'],
  },
} as const satisfies PublicRoutes;
