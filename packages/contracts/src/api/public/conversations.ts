/** Conversations of models, long work, and where requests went. */
import { z } from 'zod';
import { ChatEvent, ChatRequest, ChatResponse } from '../../conversation/chat.ts';
import {
  ChainVerdict,
  Conversation,
  ConversationPage,
  ConversationSummary,
  ListConversationsQuery,
  PromptInfo,
} from '../../conversation/conversation.ts';
import { Accesses, Erasure } from '../../conversation/erasure.ts';
import { Feedback, FeedbackRequest } from '../../conversation/feedback.ts';
import { GraphInfo } from '../../conversation/graph.ts';
import { Lineage, LineageQuery, ProvDocument } from '../../conversation/lineage.ts';
import { ConversationLog } from '../../conversation/log.ts';
import { ProofBundle } from '../../conversation/proof.ts';
import { CreateJobRequest, Job, ListJobsQuery } from '../../tables/jobs.ts';
import { RegionRoute } from '../../tables/region.ts';
import { SpanRecord } from '../trace.ts';
import { events, json, named, type PublicRoutes, text } from './route.ts';

const id = { id: 'Id of the conversation.' };
const job = { id: 'Id of the job.' };

export const conversationRoutes = {
  'POST /chat': {
    tag: 'conversations',
    summary: 'Hold a conversation of one to eight participants, or run a graph of agents',
    scope: 'chat',
    asks_models: true,
    headers: { accept: '`text/event-stream` asks for a stream, as `stream` does.' },
    body: {
      ...named('ChatRequest', ChatRequest),
      example: { message: 'Is a tomato a fruit?', exchanges: 2 },
    },
    answers: [
      json('The whole conversation.', named('ChatResponse', ChatResponse)),
      events('With `stream`: its events; `id` is `seq`.', named('ChatEvent', ChatEvent)),
    ],
  },
  'GET /ws': {
    tag: 'conversations',
    summary: 'Hold conversations over a WebSocket',
    description:
      'Frames are JSON; the key comes as a header, or as the subprotocol `mcp-key.<key>` beside `mcp`. docs/conversation.md has the frames.',
    scope: 'chat',
    answers: [{ status: 101, description: 'The connection is a WebSocket now.' }],
  },
  'GET /v1/prompts': {
    tag: 'conversations',
    summary: 'List system prompts',
    scope: 'chat',
    answers: [json('All prompts.', named('Prompts', z.object({ prompts: z.array(PromptInfo) })))],
  },
  'GET /v1/graphs': {
    tag: 'conversations',
    summary: 'List graphs of agents',
    scope: 'chat',
    answers: [json('All graphs.', named('Graphs', z.object({ graphs: z.array(GraphInfo) })))],
  },
  'GET /v1/conversations': {
    tag: 'conversations',
    summary: "List one's own conversations, the newest first",
    scope: 'chat',
    query: ListConversationsQuery,
    answers: [json('A page of them.', named('ConversationPage', ConversationPage))],
  },
  'GET /v1/conversations/:id': {
    tag: 'conversations',
    summary: 'Read a conversation',
    scope: 'chat',
    params: id,
    answers: [json('The conversation.', named('Conversation', Conversation))],
  },
  'DELETE /v1/conversations/:id': {
    tag: 'conversations',
    summary: 'Erase a conversation for good',
    description:
      'Its data key is destroyed, so that no copy of what was said can be decrypted any more. The chain of its hashes stays, and verifies as `erased`.',
    scope: 'chat',
    params: id,
    answers: [json('It is erased.', named('Erasure', Erasure))],
  },
  'GET /v1/conversations/:id/accesses': {
    tag: 'conversations',
    summary: 'List who was shown a conversation, and who erased it',
    scope: 'chat',
    params: id,
    answers: [json('The accesses, the newest first.', named('Accesses', Accesses))],
  },
  'GET /v1/conversations/:id/log': {
    tag: 'conversations',
    summary: 'Export the log of a conversation',
    description: 'It is decrypted for its owner and for administrators; that it was shown is recorded first.',
    scope: 'chat',
    params: id,
    answers: [json('The signed log.', named('ConversationLog', ConversationLog))],
  },
  'GET /v1/conversations/:id/proof': {
    tag: 'conversations',
    summary: 'Prove a conversation: its log with proofs that verify offline',
    scope: 'chat',
    params: id,
    answers: [json('The proof bundle.', named('ProofBundle', ProofBundle))],
  },
  'GET /v1/conversations/:id/lineage': {
    tag: 'conversations',
    summary: 'Read where each part of a conversation comes from',
    description: 'A directed acyclic graph, checked against the records. docs/lineage.md has its nodes.',
    scope: 'chat',
    params: id,
    query: LineageQuery,
    headers: { accept: '`application/prov+json` asks for W3C PROV-JSON, as `format=prov` does.' },
    answers: [
      json('The lineage.', named('Lineage', Lineage)),
      {
        status: 200,
        description: 'The lineage as W3C PROV-JSON.',
        content_type: 'application/prov+json',
        body: named('ProvDocument', ProvDocument),
      },
    ],
    codes: ['conflict'],
  },
  'GET /v1/conversations/:id/events': {
    tag: 'conversations',
    summary: 'Follow a conversation that was begun elsewhere',
    scope: 'chat',
    params: id,
    headers: { 'last-event-id': 'The last event that was seen; those after it are sent.' },
    answers: [
      events('Its events, to its end.', named('ChatEvent', ChatEvent)),
      { status: 204, description: 'There is nothing more.' },
    ],
  },
  'POST /v1/conversations/:id/cancel': {
    tag: 'conversations',
    summary: 'Cancel a running conversation',
    scope: 'chat',
    params: id,
    answers: [json('It has ended.', named('ConversationSummary', ConversationSummary))],
    codes: ['conflict'],
  },
  'POST /v1/conversations/:id/verify': {
    tag: 'conversations',
    summary: 'Verify the log of a conversation',
    scope: 'chat',
    params: id,
    answers: [json('The verdict.', named('ChainVerdict', ChainVerdict))],
  },
  'POST /v1/conversations/:id/feedback': {
    tag: 'conversations',
    summary: 'Say how good a decision was, or which answer is better',
    description:
      'For the owner of the conversation. Given again for the same decision, it takes the place of what was said before.',
    scope: 'chat',
    params: id,
    body: { ...named('FeedbackRequest', FeedbackRequest), example: { score: 1 } },
    answers: [json('The feedback as it is kept.', named('Feedback', Feedback))],
    codes: ['conflict'],
  },
  'POST /v1/verify': {
    tag: 'conversations',
    summary: 'Verify an exported log or a proof bundle',
    scope: 'chat',
    body: {
      ...named('ExportedLog', z.record(z.string(), z.unknown())),
      example: { messages: [] },
    },
    answers: [json('The verdict.', named('ChainVerdict', ChainVerdict))],
  },
  'POST /v1/jobs': {
    tag: 'jobs',
    summary: 'Create a job',
    scope: 'jobs',
    body: {
      ...named('CreateJobRequest', CreateJobRequest),
      example: { spec: { kind: 'export' } },
    },
    answers: [json('The job; `location` is where it is.', named('Job', Job), 202)],
  },
  'GET /v1/jobs': {
    tag: 'jobs',
    summary: "List one's own jobs",
    scope: 'jobs',
    query: ListJobsQuery,
    answers: [json('The jobs.', named('Jobs', z.object({ jobs: z.array(Job) })))],
  },
  'GET /v1/jobs/:id': {
    tag: 'jobs',
    summary: 'Read a job, or follow it',
    scope: 'jobs',
    params: job,
    headers: { accept: '`text/event-stream` asks for its changes.' },
    answers: [
      json('The job.', named('Job', Job)),
      events('The job after each change, to its end.', named('Job', Job)),
    ],
  },
  'GET /v1/jobs/:id/result': {
    tag: 'jobs',
    summary: 'Read the result of a job',
    scope: 'jobs',
    params: job,
    answers: [
      json('The result, where it is a value.', named('JobResult', z.unknown())),
      text('The result, where it is a file.', 'application/jsonl'),
    ],
    codes: ['conflict'],
  },
  'POST /v1/jobs/:id/retry': {
    tag: 'jobs',
    summary: 'Try a dead job again',
    scope: 'jobs',
    params: job,
    answers: [json('The job.', named('Job', Job), 202)],
    codes: ['conflict'],
  },
  'POST /v1/jobs/:id/cancel': {
    tag: 'jobs',
    summary: 'Cancel a job',
    scope: 'jobs',
    params: job,
    answers: [json('The job.', named('Job', Job))],
    codes: ['conflict'],
  },
  'GET /v1/regions': {
    tag: 'platform',
    summary: 'List regions, this one first',
    scope: 'chat',
    answers: [
      json(
        'The routing table.',
        named('Regions', z.object({ here: z.string(), regions: z.array(RegionRoute) })),
      ),
    ],
  },
  'GET /v1/traces/:trace_id': {
    tag: 'platform',
    summary: "Read a trace of one's own requests",
    scope: 'chat',
    params: { trace_id: '32 hex digits, as in the header `x-trace-id`.' },
    answers: [json('Its spans.', named('Trace', z.object({ spans: z.array(SpanRecord) })))],
  },
} as const satisfies PublicRoutes;
