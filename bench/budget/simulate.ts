/** Holds a conversation as the core does, with a model that is nothing but its tokenizer. */
import type { ChatMessage, LogRecord } from '@mcp/contracts';
import {
  Calibrations,
  errorOf,
  extractSummary,
  type ForecastSettings,
  fitBudget,
  forecast,
  inputOf,
  type PastTurn,
  participantAt,
  planTurn,
  usesOf,
} from '@mcp/conversation';
import type { Conversation } from './conversations.ts';
import type { Tokenizer } from './tokenizers.ts';

const MODEL = 'model';
const SYSTEM = 'You are a careful assistant. Answer in plain sentences.';
const MIN_ANSWER_TOKENS = 16;
/** As the core does where a server refuses a context as too long. */
const REFIT = 1.25;
const MAX_REFITS = 3;

/** What one request came to. */
export interface Requested {
  /** Input and the whole answer, when only the forecast said what fits. */
  readonly by_forecast: number;
  /** After contexts that the server refused were fitted again, and the answer was held to its room. */
  readonly enforced: number;
  readonly limit_tokens: number;
  readonly margin: number;
  readonly error: number | undefined;
  readonly action: NonNullable<LogRecord['budget']>['action'];
  /** How often the context was fitted again because the server refused it. */
  readonly refits: number;
  /** The answer had to end before its natural end. */
  readonly ended: boolean;
  /** The context was made shorter though it and its answer would have fit. */
  readonly needless: boolean;
}

export interface Simulation {
  readonly real: Tokenizer;
  /** By which the platform counts: the model's own, or another one where that is not known. */
  readonly counted: Tokenizer;
  readonly settings: ForecastSettings;
  readonly calibrations: Calibrations;
}

export function simulation(parts: Omit<Simulation, 'calibrations'>): Simulation {
  return { ...parts, calibrations: new Calibrations() };
}

/** Tokens of messages as chat templates have them: a few around each, and those that begin the answer. */
function tokensOf({ tokensOf }: Tokenizer, messages: readonly ChatMessage[]): number {
  return messages.reduce((sum, { content }) => sum + 4 + tokensOf(String(content ?? '')), 3);
}

/** All requests of a conversation. Throws `context_length_exceeded` where a prompt alone is too long. */
export async function hold(sim: Simulation, conversation: Conversation): Promise<Requested[]> {
  const records: LogRecord[] = [];
  const requests: Requested[] = [];
  const participants = Array.from({ length: conversation.participants }, (_, i) => `model${i}`);
  const answers = [...conversation.answers];
  const earlier: { question: PastTurn; answer: PastTurn | undefined }[] = [];
  for (const [q, content] of conversation.questions.entries()) {
    const question = { step: `q${q}`, participant: '', content };
    const past: PastTurn[] = [];
    for (let turn = 0; turn < conversation.exchanges; turn++) {
      const natural = answers.shift();
      if (natural === undefined) return requests;
      const participant = participantAt(participants, turn);
      const { messages, question_at } = planTurn({
        mode: conversation.mode,
        participants,
        participant,
        system: { step: 's', content: SYSTEM },
        earlier,
        question,
        past,
      });
      const asked = await ask(sim, conversation, { messages, question_at, natural, records });
      requests.push(asked.requested);
      records.push(asked.record);
      past.push({ step: `t${q}-${turn}`, participant, content: natural });
    }
    earlier.push({ question, answer: past.at(-1) });
  }
  return requests;
}

interface Asking {
  readonly messages: readonly ChatMessage[];
  readonly question_at: number;
  readonly natural: string;
  readonly records: readonly LogRecord[];
}

async function ask(
  sim: Simulation,
  { limit_tokens, most_output_tokens }: Conversation,
  { messages, question_at, natural, records }: Asking,
): Promise<{ requested: Requested; record: LogRecord }> {
  const { real, counted, settings, calibrations } = sim;
  const exact = counted === real;
  const whole_tokens = tokensOf(counted, messages);
  const expected = forecast({
    uses: usesOf(records, MODEL, settings.turns),
    settings,
    exact,
    counted_tokens: whole_tokens,
    prior: calibrations.of(MODEL, messages, whole_tokens),
    most_output_tokens,
  });
  const inputFor = (list: readonly ChatMessage[]) => {
    const tokens = tokensOf(counted, list);
    return inputOf(expected, tokens, calibrations.of(MODEL, list, tokens));
  };
  const reserve_tokens = Math.max(
    MIN_ANSWER_TOKENS,
    Math.min(expected.reserve_tokens, Math.floor(limit_tokens / 2)),
  );
  const fit = (tighter: number) =>
    fitBudget({
      question_at,
      limit_tokens,
      reserve_tokens,
      summarize: (gone: readonly ChatMessage[]) => Promise.resolve(extractSummary(gone)),
      messages,
      count: async (list) => Math.ceil(inputFor(list).at_most * tighter),
    });
  let fitted = await fit(1);
  const by_forecast = tokensOf(real, fitted.messages) + Math.min(most_output_tokens, real.tokensOf(natural));
  // A server refuses what is longer than its context with its answer; then the context is fitted tighter.
  const roomOf = () => Math.min(most_output_tokens, limit_tokens - fitted.input_tokens);
  let refits = 0;
  while (tokensOf(real, fitted.messages) + roomOf() > limit_tokens && refits < MAX_REFITS)
    fitted = await fit(REFIT ** ++refits);
  const counted_tokens = tokensOf(counted, fitted.messages);
  const forecast_tokens = inputFor(fitted.messages).tokens + expected.expected_output_tokens;
  const input_tokens = tokensOf(real, fitted.messages);
  const output_tokens = Math.min(most_output_tokens, real.tokensOf(natural));
  const use = { input_tokens, output_tokens, forecast_tokens };
  calibrations.learn(MODEL, fitted.messages, { counted_tokens, input_tokens });
  return {
    requested: {
      by_forecast,
      enforced: input_tokens + Math.min(output_tokens, roomOf()),
      refits,
      ended: output_tokens > roomOf(),
      needless:
        fitted.action !== 'none' &&
        tokensOf(real, messages) + output_tokens + MIN_ANSWER_TOKENS <= limit_tokens,
      limit_tokens,
      margin: expected.margin,
      error: expected.uses === 0 ? undefined : errorOf(use),
      action: fitted.action,
    },
    record: recordOf({ counted_tokens, limit_tokens, ...use }, expected.uses > 0),
  };
}

/** The record of a turn, with what a forecast reads of it. */
function recordOf(
  turn: {
    counted_tokens: number;
    limit_tokens: number;
    input_tokens: number;
    output_tokens: number;
    forecast_tokens: number;
  },
  forecasted: boolean,
): LogRecord {
  const { counted_tokens, limit_tokens, input_tokens, output_tokens, forecast_tokens } = turn;
  return {
    seq: 0,
    role: 'modelA',
    content: '',
    at: '2026-11-28T12:00:00.000Z',
    trace_id: '',
    pii_tags: [],
    message_id: '13509827-fc82-4c9a-9a1f-75aaf2e0a618',
    model: MODEL,
    finish_reason: { unified: 'stop', raw: 'stop' },
    usage: { input_tokens, output_tokens },
    budget: {
      input_tokens: counted_tokens,
      limit_tokens,
      exact: false,
      action: 'none',
      dropped_messages: 0,
      ...(forecasted ? { forecast_tokens } : {}),
    },
    hash_prev: '',
    hash: '',
  };
}
