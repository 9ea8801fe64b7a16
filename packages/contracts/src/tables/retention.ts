/** How long what was said is kept, what must not be erased, and what is given to, or erased for, the one who said it. */
import { z } from 'zod';
import { PageLimit } from '../api/call.ts';
import { Feedback } from '../conversation/feedback.ts';
import { ConversationLog } from '../conversation/log.ts';
import { StoredAnswer } from '../conversation/stored-answers.ts';
import { Job, JobSpec } from './jobs.ts';

const Count = z.number().int().nonnegative();
/** Jobs of one page. */
const MAX_JOBS = 100;
const Days = z.number().int().min(1).max(36_500);

/** Id of a principal: `key:…`, or that of an identity provider. */
export const SubjectId = z
  .string()
  .regex(/^[^\p{C}]{1,300}$/u, 'must be the id of a principal, such as key:…');

/** Other days than everybody's: null for good, left out as everybody. */
const OwnDays = Days.nullable().optional();

/** Days that what was said is kept, by class of data. */
export const Retention = z.strictObject({
  /** Conversations, from when something was last said in them. Undefined: for good. */
  conversation_days: Days.optional(),
  /** Responses, and completions with `store: true`. */
  answer_days: Days.default(30),
  /** Feedback on decisions. */
  feedback_days: Days.default(180),
  /** Jobs and their results, from when they ended. */
  job_days: Days.default(7),
  /** Owners that have other days than the rest, by id of the principal. */
  owners: z
    .record(
      SubjectId,
      z.strictObject({
        conversation_days: OwnDays,
        answer_days: OwnDays,
        feedback_days: OwnDays,
        job_days: OwnDays,
      }),
    )
    .default({}),
});
export type Retention = z.infer<typeof Retention>;
/** What has days of its own. */
export type RetentionClass = Exclude<keyof Retention, 'owners'>;

/** Keeps what an owner said, or one conversation, from being erased. */
export const LegalHold = z.object({
  id: z.uuid(),
  /** Of an owner, or of a conversation; the other is null. */
  owner: z.string().nullable(),
  conversation_id: z.uuid().nullable(),
  reason: z.string(),
  set_at: z.iso.datetime(),
  set_by: z.string(),
  /** Null while it is in force. */
  lifted_at: z.iso.datetime().nullable(),
  lifted_by: z.string().nullable(),
});
export type LegalHold = z.infer<typeof LegalHold>;

export const SetLegalHold = z
  .strictObject({
    owner: SubjectId.optional(),
    conversation_id: z.uuid().optional(),
    reason: z.string().min(1).max(500),
  })
  .refine(({ owner, conversation_id }) => (owner === undefined) !== (conversation_id === undefined), {
    error: 'name an owner or a conversation_id, and not both',
  });
export type SetLegalHold = z.infer<typeof SetLegalHold>;

export const ListLegalHoldsQuery = z.strictObject({
  limit: PageLimit,
  cursor: z.string().max(200).optional(),
});
export type ListLegalHoldsQuery = z.infer<typeof ListLegalHoldsQuery>;

/** Holds, the newest first, those that were lifted as well. */
export const LegalHoldPage = z.object({ holds: z.array(LegalHold), next_cursor: z.string().nullable() });
export type LegalHoldPage = z.infer<typeof LegalHoldPage>;

/** What one pass of the retention job erased. */
export const RetentionPass = z.object({
  started_at: z.iso.datetime(),
  /** Null while it is under way. */
  finished_at: z.iso.datetime().nullable(),
  conversations: Count,
  records: Count,
  /** Conversations that were due and are held. */
  held: Count,
});
export type RetentionPass = z.infer<typeof RetentionPass>;

/** What was erased of a day and a model, in sums: kept when the content is gone. */
export const RetentionStatistic = z.object({
  day: z.iso.date(),
  /** '' of records that are by no model, such as questions. */
  model: z.string(),
  /** Conversations that began on that day; counted where the model is ''. */
  conversations: Count,
  records: Count,
  input_tokens: Count,
  output_tokens: Count,
});
export type RetentionStatistic = z.infer<typeof RetentionStatistic>;

export const RetentionReportQuery = z.strictObject({
  /** Statistics of days before this one, the newest first. */
  before: z.iso.date().optional(),
});
export type RetentionReportQuery = z.infer<typeof RetentionReportQuery>;

/** How long is kept what, what was erased, and what it was in sums. */
export const RetentionReport = z.object({
  policy: Retention,
  /** In force. */
  holds: Count,
  /** The newest passes, the newest first. */
  passes: z.array(RetentionPass),
  statistics: z.array(RetentionStatistic),
});
export type RetentionReport = z.infer<typeof RetentionReport>;

/** A job that has ended: whose it is, and the conversations that it names. */
const EndedJob = z.object({
  id: z.uuid(),
  owner: z.string(),
  conversation_ids: z.array(z.uuid()).max(1000),
  ended_at: z.iso.datetime(),
});
export type EndedJob = z.infer<typeof EndedJob>;

/** Where the engine's list of jobs goes on. */
const JobPlace = z.coerce.number().int().nonnegative();

export const EndedJobsQuery = z.strictObject({ after: JobPlace.default(0) });
export type EndedJobsQuery = z.infer<typeof EndedJobsQuery>;

export const EndedJobPage = z.object({
  jobs: z.array(EndedJob),
  /** Null on the last page. */
  next: JobPlace.nullable(),
});
export type EndedJobPage = z.infer<typeof EndedJobPage>;

const JobIds = z.array(z.uuid()).max(MAX_JOBS);

/** Which of these are to be erased? */
export const DueJobsRequest = z.strictObject({ jobs: z.array(EndedJob).max(MAX_JOBS) });
export type DueJobsRequest = z.infer<typeof DueJobsRequest>;

export const DueJobs = z.object({
  due: JobIds,
  /** How many more were due and are held. */
  held: Count,
});
export type DueJobs = z.infer<typeof DueJobs>;

/** What becomes of a page of jobs. */
export const SettleJobsRequest = z.strictObject({ erase: JobIds, keep: JobIds });
export type SettleJobsRequest = z.infer<typeof SettleJobsRequest>;

export const SettledJobs = z.object({
  erased: Count,
  /** Kept ones that would have left the event bus by age. */
  renewed: Count,
});
export type SettledJobs = z.infer<typeof SettledJobs>;

/** One batch of a pass. */
export const RetentionBatch = RetentionPass.pick({ conversations: true, records: true, held: true }).extend({
  complete: z.boolean(),
});
export type RetentionBatch = z.infer<typeof RetentionBatch>;

/** Of a page of jobs. */
const JobsCursor = z.templateLiteral(['jobs:', z.int().nonnegative()]);

export const ExportSubjectQuery = z.strictObject({
  /** `next_cursor` of the page before: conversations come first, then jobs. */
  cursor: z.union([z.uuid(), JobsCursor]).optional(),
});
export type ExportSubjectQuery = z.infer<typeof ExportSubjectQuery>;

const SubjectJob = z.object({ job: Job, spec: JobSpec });

/** Part of everything that is stored of one owner. */
export const SubjectPage = z.object({
  owner: z.string(),
  conversations: z.array(
    z.object({
      title: z.string(),
      log: ConversationLog,
      answers: z.array(StoredAnswer),
      /** On its decisions. */
      feedback: z.array(Feedback),
    }),
  ),
  /** With what they were to do; a result that is longer is at its `href`. */
  jobs: z.array(SubjectJob),
  /** Null on the last page. */
  next_cursor: z.string().nullable(),
});
export type SubjectPage = z.infer<typeof SubjectPage>;

/** What of it the store of conversations has. */
export const SubjectConversations = SubjectPage.omit({ jobs: true });
export type SubjectConversations = z.infer<typeof SubjectConversations>;

/** What of it is on the event bus. */
export const SubjectJobs = SubjectPage.pick({ jobs: true }).extend({ next: JobPlace.nullable() });
export type SubjectJobs = z.infer<typeof SubjectJobs>;

/** One batch of erasing everything of one owner. */
export const SubjectErasure = z.object({
  owner: z.string(),
  /** Conversations erased in this batch. */
  erased: Count,
  /** Jobs erased in this batch, with their results. */
  jobs: Count,
  /** True when nothing is left. */
  complete: z.boolean(),
});
export type SubjectErasure = z.infer<typeof SubjectErasure>;

export const ErasedConversations = SubjectErasure.omit({ jobs: true });
export type ErasedConversations = z.infer<typeof ErasedConversations>;

export const ErasedJobs = SubjectErasure.pick({ jobs: true, complete: true });
export type ErasedJobs = z.infer<typeof ErasedJobs>;
