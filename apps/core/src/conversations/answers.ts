import { type CallContext, type CoreApi, type KeepAnswerRequest, PlatformError } from '@mcp/contracts';
import type { RecorderDeps } from '../log/recorder.ts';
import { checkLog, type LogStateDeps } from '../log/state.ts';
import type { AnswerStore, Parent } from '../store/answers.ts';
import type { LogChecks } from '../store/log-checks.ts';
import { recordAnswer, recordCompletion } from './completions.ts';

/** Records that a log may have before answers go on in one of their own. */
const MAX_RECORDS = 1000;

export interface AnswerDeps {
  readonly answers: AnswerStore;
  readonly recorder: RecorderDeps;
  readonly logs: LogStateDeps;
  readonly checks: LogChecks;
}

type Answers = Pick<
  CoreApi,
  'keepAnswer' | 'getAnswer' | 'findAnswers' | 'answerChain' | 'listAnswers' | 'updateAnswer' | 'deleteAnswer'
>;

/** The part of the core's interface that is about answers kept for their clients. Each is its owner's alone. */
export function answersApi(deps: AnswerDeps): Answers {
  const { answers } = deps;
  return {
    keepAnswer: (request, call) => keep(deps, request, call),
    getAnswer: (id, call) => answers.get(id, call.principal.id),
    findAnswers: ({ ids }, call) => answers.find(ids, call.principal.id),
    answerChain: (id, call) => answers.chain(id, call.principal.id),
    listAnswers: (request, call) => answers.list(request, call.principal.id),
    updateAnswer: (id, { metadata }, call) => answers.update(id, metadata, call.principal.id),
    async deleteAnswer(id, call) {
      await answers.delete(id, call.principal.id);
      return { id };
    },
  };
}

async function keep(
  deps: AnswerDeps,
  request: KeepAnswerRequest,
  call: CallContext,
): Promise<{ conversation_id: string }> {
  const { log, ...answer } = request;
  const owner = call.principal.id;
  const parent =
    request.previous_id === null ? undefined : await deps.answers.parent(request.previous_id, owner);
  const recorded =
    log.in === 'conversation'
      ? { conversation_id: log.conversation_id, log_records: 0 }
      : await record(deps, { log, parent }, call);
  try {
    await deps.answers.insert({ ...answer, ...recorded }, { owner, parent });
  } catch (cause) {
    throw new PlatformError('unavailable', 'The answer cannot be stored just now.', { cause });
  }
  return { conversation_id: recorded.conversation_id };
}

interface Recording {
  readonly log: Extract<KeepAnswerRequest['log'], { in: 'answers' }>;
  readonly parent: Parent | undefined;
}

interface Recorded {
  readonly conversation_id: string;
  readonly log_records: number;
}

/** Goes on with the log of the answer before where that is the last in it, or begins one with all that was said. */
async function record(deps: AnswerDeps, { log, parent }: Recording, call: CallContext): Promise<Recorded> {
  const { record: said, earlier } = log;
  const goneOn = parent === undefined ? undefined : await goOn(deps, { said, parent }, call);
  if (goneOn !== undefined) return goneOn;
  const question = [...earlier, ...said.question];
  const conversation_id = await recordCompletion(deps.recorder, { ...said, question }, call);
  return { conversation_id, log_records: question.length + 1 };
}

/** Undefined: the log was gone on with by somebody else, is full, or does not verify; it is left as it is. */
async function goOn(
  deps: AnswerDeps,
  { said, parent }: { said: Recording['log']['record']; parent: Parent },
  call: CallContext,
): Promise<Recorded | undefined> {
  const { conversation_id, log_records } = parent;
  const after = log_records + said.question.length + 1;
  if (log_records === 0 || after > MAX_RECORDS) return undefined;
  const { stored, verdict } = await checkLog(deps.logs, conversation_id, call.principal);
  if (stored.records.length !== log_records || verdict.status === 'broken') return undefined;
  if ((await deps.checks.contradicted(conversation_id)) !== undefined) return undefined;
  try {
    await recordAnswer(deps.recorder, { stored, said }, call);
  } catch (error) {
    if (error instanceof PlatformError && error.code === 'conflict') return undefined;
    throw error;
  }
  return { conversation_id, log_records: after };
}
