/** The transparency log of the region, as its readers see it. */
import { LogCheckpoint } from '../transparency-log.ts';
import { json, named, type PublicRoutes, text } from './route.ts';

export const logRoutes = {
  'GET /v1/log': {
    tag: 'platform',
    summary: 'Read the newest checkpoint of the transparency log, and the keys to verify it with',
    scope: 'chat',
    answers: [json('The checkpoint and the keys.', named('LogCheckpoint', LogCheckpoint))],
  },
  'GET /v1/log/checkpoint': {
    tag: 'platform',
    summary: 'Read the newest checkpoint of the transparency log alone',
    description: 'A signed note: C2SP tlog-checkpoint.',
    scope: 'chat',
    answers: [text('The signed note.', 'text/plain')],
  },
  'GET /v1/log/tile/:path{.+}': {
    tag: 'platform',
    summary: 'Read a tile or an entry bundle of the transparency log',
    description: 'C2SP tlog-tiles: `/v1/log` is the prefix of the log. What a full one says never changes.',
    scope: 'chat',
    params: {
      path: 'Level and index, as `0/x001/067`, or `entries/000`; a part with its width: `0/000.p/12`.',
    },
    answers: [text('The hashes, or the entries.', 'application/octet-stream')],
    codes: ['not_found'],
  },
} as const satisfies PublicRoutes;
