/** What administrators ask, and what is for everybody: health, and the pages of the gateway. */
import { z } from 'zod';
import { KeyRewrap } from '../../conversation/erasure.ts';
import { FeedbackPage, ListFeedbackQuery } from '../../conversation/feedback.ts';
import { KeyChange, KeyChanged } from '../../conversation/log-keys.ts';
import type { ErrorCode } from '../../tables/errors.ts';
import { GovernanceRun } from '../../tables/governance.ts';
import { GovernanceJob } from '../governance.ts';
import { ApiKeyView, CreateKeyRequest } from '../keys.ts';
import { PlatformStats } from '../live.ts';
import { json, named, type PublicRoute, type PublicRoutes, text } from './route.ts';

const Flags = z.object({
  flags: z.array(
    z.object({ name: z.string(), value: z.boolean(), default: z.boolean(), description: z.string() }),
  ),
});
const Health = z.object({ status: z.string() });

const adminRoutes = {
  'GET /admin/keys': {
    tag: 'admin',
    summary: 'List API keys',
    scope: 'admin',
    answers: [
      json('The keys, without their secrets.', named('Keys', z.object({ keys: z.array(ApiKeyView) }))),
    ],
  },
  'POST /admin/keys': {
    tag: 'admin',
    summary: 'Make an API key',
    scope: 'admin',
    body: {
      ...named('CreateKeyRequest', CreateKeyRequest),
      example: { name: 'notebook', scopes: ['chat'] },
    },
    answers: [
      json(
        'The key: it is shown this once.',
        named('NewKey', z.object({ key: z.string(), record: ApiKeyView })),
        201,
      ),
    ],
  },
  'DELETE /admin/keys/:id': {
    tag: 'admin',
    summary: 'Revoke an API key',
    scope: 'admin',
    params: { id: 'Id of the key.' },
    answers: [json('The key as it is now.', named('Key', ApiKeyView))],
  },
  'POST /admin/encryption/rewrap': {
    tag: 'admin',
    summary: 'Wrap the next data keys again that are not wrapped under the current key',
    description: 'After the key was rotated; asked until `complete`. No conversation is touched.',
    scope: 'admin',
    answers: [json('How far it came.', named('KeyRewrap', KeyRewrap))],
  },
  'GET /admin/governance': {
    tag: 'admin',
    summary: 'List governance jobs',
    scope: 'admin',
    answers: [
      json(
        'The jobs with their last runs.',
        named('GovernanceJobs', z.object({ jobs: z.array(GovernanceJob) })),
      ),
    ],
  },
  'POST /admin/governance/:job/run': {
    tag: 'admin',
    summary: 'Run a governance job now',
    scope: 'admin',
    params: { job: 'Name of the job.' },
    answers: [json('How it went.', named('GovernanceRun', GovernanceRun))],
    codes: ['conflict'],
  },
  'POST /admin/provenance/keys': {
    tag: 'admin',
    summary: 'Rotate the keys that logs are signed with, roll back, or revoke one',
    description:
      '`keys`: those that conversations are signed with, or `transparency_log` for those of its checkpoints.',
    scope: 'admin',
    body: {
      ...named('KeyChange', KeyChange),
      example: { change: 'rotate', dry_run: true },
    },
    answers: [json('What was done, step by step.', named('KeyChanged', KeyChanged))],
    codes: ['conflict', 'not_found'],
  },
  'GET /admin/feedback': {
    tag: 'admin',
    summary: 'List feedback on decisions with what they were made by, the newest first',
    scope: 'admin',
    query: ListFeedbackQuery,
    answers: [json('A page of it.', named('FeedbackPage', FeedbackPage))],
  },
  'GET /admin/stats': {
    tag: 'admin',
    summary: 'Read live figures of the region',
    scope: 'admin',
    answers: [json('The figures.', named('Stats', PlatformStats))],
  },
  'GET /admin/flags': {
    tag: 'admin',
    summary: 'List feature flags',
    scope: 'admin',
    answers: [json('The flags with their values.', named('Flags', Flags))],
  },
} as const satisfies PublicRoutes;

function page(summary: string, content_type: string, ...codes: ErrorCode[]): PublicRoute {
  return { tag: 'service', summary, answers: [text('The file.', content_type)], codes };
}

/** A file of the console, which is there once that was built. */
function file(summary: string, content_type: string): PublicRoute {
  return page(summary, content_type, 'not_found');
}

const openRoutes = {
  'GET /healthz': {
    tag: 'service',
    summary: 'Say whether the process is alive',
    answers: [json('It is.', named('Health', Health))],
  },
  'GET /readyz': {
    tag: 'service',
    summary: 'Say whether requests can be served',
    description: 'Otherwise 503 with the checks that failed.',
    answers: [json('They can.', named('Health', Health))],
    codes: ['unavailable'],
  },
  'GET /metrics': page('Read metrics in the format of Prometheus', 'text/plain', 'unauthenticated'),
  'GET /openapi.json': {
    tag: 'service',
    summary: 'Read this document',
    answers: [json('OpenAPI 3.1.', named('OpenApiDocument', z.record(z.string(), z.unknown())))],
  },
  'GET /docs': page('Read this document as a page', 'text/html'),
  'GET /': page('Open the console', 'text/html', 'unavailable'),
  'GET /assets/:name': {
    ...file('Read a file of the console', '*/*'),
    params: { name: 'Its name.' },
  },
  'GET /favicon.svg': file('Read the icon', 'image/svg+xml'),
  'GET /favicon.ico': file('Read the icon of old browsers', 'image/x-icon'),
  'GET /theme.js': file('Read the script that sets the theme', 'text/javascript'),
  'GET /robots.txt': file('Read what robots may visit', 'text/plain'),
  'GET /manifest.webmanifest': file('Read the manifest of the console', 'application/manifest+json'),
} as const satisfies PublicRoutes;

export const administrationRoutes = { ...adminRoutes, ...openRoutes } as const;
