/** The transparency log of the region, as its readers see it. */
import { LogAnchors, LogCheckpoint, LogCopyState, WitnessIdentity } from '../transparency-log.ts';
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
  'GET /v1/log/copies/:log/checkpoint': {
    tag: 'platform',
    summary: 'Read the checkpoint of the copy that is kept here of the log of another region',
    description: 'A signed note of that log: C2SP tlog-checkpoint, over what the copy has.',
    scope: 'chat',
    params: { log: 'SHA-256 of the first line of its checkpoints, in hex.' },
    answers: [text('The signed note; empty while the copy has no entries.', 'text/plain')],
    codes: ['not_found'],
  },
  'GET /v1/log/copies/:log/tile/:path{.+}': {
    tag: 'platform',
    summary: 'Read a tile or an entry bundle of the copy that is kept here of the log of another region',
    description: 'C2SP tlog-tiles: `/v1/log/copies/<log>` is the prefix of the copy.',
    scope: 'chat',
    params: {
      log: 'SHA-256 of the first line of its checkpoints, in hex.',
      path: 'Level and index, as `0/x001/067`, or `entries/000`; a part with its width: `0/000.p/12`.',
    },
    answers: [text('The hashes, or the entries.', 'application/octet-stream')],
    codes: ['not_found'],
  },
  'GET /v1/log/anchors': {
    tag: 'platform',
    summary: 'Read where checkpoints of the transparency log are kept outside the platform',
    description: 'With the newest checkpoint at each: `npx mcp verify --anchor` compares the log with them.',
    scope: 'chat',
    answers: [json('The anchors.', named('LogAnchors', LogAnchors))],
  },
  'GET /v1/witness': {
    tag: 'platform',
    summary: 'Read who the log of this region is, and the key that it cosigns checkpoints of others with',
    answers: [json('Its name and keys.', named('WitnessIdentity', WitnessIdentity))],
  },
  'POST /v1/witness/add-checkpoint': {
    tag: 'platform',
    summary: 'Have a checkpoint of another log cosigned',
    description:
      'C2SP tlog-witness: the body is text, `old <size>`, the proof of consistency, an empty line and the checkpoint. Answers the cosignature, or 400, 403, 404, 409 (with the size that was cosigned last) or 422 as that says.',
    answers: [
      text('The cosignature: a signature line of a note.', 'text/plain'),
      text('It is no submission.', 'text/plain', 400),
      text('It is not signed with the key that is known of this log.', 'text/plain', 403),
      text('This log is not known here.', 'text/plain', 404),
      text('The size that was cosigned last: it goes on from there.', 'text/x.tlog.size', 409),
      text('The proof of consistency does not hold.', 'text/plain', 422),
    ],
    codes: ['payload_too_large', 'overloaded', 'unavailable'],
  },
  'GET /v1/witness/:log/checkpoint': {
    tag: 'platform',
    summary: 'Read the newest checkpoint of another log that was cosigned here',
    params: { log: 'SHA-256 of the first line of its checkpoints, in hex.' },
    answers: [text('The signed note, cosigned.', 'text/plain')],
    codes: ['not_found'],
  },
  'GET /v1/witness/:log/copy': {
    tag: 'platform',
    summary: 'Read how far the copy is that is kept here of another log',
    params: { log: 'SHA-256 of the first line of its checkpoints, in hex.' },
    answers: [json('Its size, and the checkpoint of that log over it.', named('LogCopyState', LogCopyState))],
    codes: ['not_found'],
  },
} as const satisfies PublicRoutes;
