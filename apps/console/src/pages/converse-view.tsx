import { useEffect, useRef } from 'preact/hooks';
import type { ChatController } from '../chat/controller.ts';
import { explainFinish } from '../chat/explain.ts';
import { columnsOf, labelOf, toneOf } from '../chat/participants.ts';
import {
  type ChatPhase,
  type ChatState,
  canResume,
  isActive,
  isGraph,
  type RoundState,
  type TurnState,
} from '../chat/state.ts';
import { formatCount, formatScore, plural, short } from '../format.ts';
import { href } from '../router.ts';
import { Markdown } from '../text/markdown-view.tsx';
import { Badge, Notice, type Tone } from '../ui/basics.tsx';
import { DecisionView } from './decision-view.tsx';
import { FeedbackView } from './feedback-view.tsx';

/** The conversation so far, round by round. */
export function ChatView({ chat }: { readonly chat: ChatController }) {
  const { state } = chat;
  const end = useFollow(state);
  return (
    <>
      <ChatHead state={state} />
      {state.rounds.map((round, index) => (
        <Round key={index} round={round} state={state} last={index === state.rounds.length - 1} />
      ))}
      <Outcome chat={chat} />
      <div ref={end} />
    </>
  );
}

const PHASES: Record<ChatPhase, { readonly word: string; readonly tone: Tone }> = {
  idle: { word: 'ready', tone: 'neutral' },
  connecting: { word: 'starting', tone: 'busy' },
  streaming: { word: 'streaming', tone: 'busy' },
  following: { word: 'streaming', tone: 'busy' },
  cancelling: { word: 'cancelling', tone: 'warn' },
  completed: { word: 'completed', tone: 'good' },
  cancelled: { word: 'cancelled', tone: 'neutral' },
  interrupted: { word: 'interrupted', tone: 'warn' },
  failed: { word: 'failed', tone: 'bad' },
  elsewhere: { word: 'running', tone: 'busy' },
};

function ChatHead({ state }: { readonly state: ChatState }) {
  const { word, tone } = PHASES[state.phase];
  const turns = state.rounds.flatMap((round) => round.turns);
  const tokens = turns.reduce((sum, turn) => sum + (turn.usage?.output_tokens ?? 0), 0);
  return (
    <div class="chat-head">
      <Badge tone={tone}>{word}</Badge>
      {state.mode === null ? null : <span>{state.mode}</span>}
      <span>
        {state.exchanges === 0
          ? ''
          : `${state.rounds[state.rounds.length - 1]?.turns.length ?? 0} of ${plural(state.exchanges, 'turn')}`}
      </span>
      {tokens === 0 ? null : <span>{plural(tokens, 'token')} written</span>}
      <span class="chat-links">
        {state.conversation_id === null || isActive(state.phase) ? null : (
          <a href={href('conversations', state.conversation_id)}>Record {short(state.conversation_id)}</a>
        )}
        {state.trace_id === null ? null : <a href={href('traces', state.trace_id)}>Trace</a>}
      </span>
    </div>
  );
}

interface RoundProps {
  readonly round: RoundState;
  readonly state: ChatState;
  readonly last: boolean;
}

function Round({ round, state, last }: RoundProps) {
  const current = last && isActive(state.phase);
  return (
    <section
      class="round"
      aria-label={round.question === null ? 'Conversation' : `Question: ${round.question.slice(0, 80)}`}
    >
      {round.question === null ? null : (
        <div class="question">
          <span class="question-label">You</span>
          <p>{round.question}</p>
        </div>
      )}
      <div class={`turns turns-${columnsOf(state.participants)}`}>
        {round.turns.map((turn) => (
          <Turn
            key={turn.turn}
            turn={turn}
            state={state}
            chosen={round.decision?.message_id === turn.message_id}
          />
        ))}
        {current && round.turns.every((turn) => turn.status !== 'streaming') ? (
          <Waiting round={round} state={state} />
        ) : null}
      </div>
      {round.left_out === undefined ? null : (
        <ul class="waiting" aria-label="Nodes that say nothing">
          {round.left_out.map(({ participant, state: how, reason }) => (
            <li key={participant}>
              <span>
                <strong>{participant}</strong> {how}: {reason}
              </span>
            </li>
          ))}
        </ul>
      )}
      {round.decision === null ? null : (
        <DecisionView decision={round.decision} participants={state.participants} />
      )}
      {last && round.decision !== null && state.phase === 'completed' && state.conversation_id !== null ? (
        <FeedbackView key={round.decision.message_id} id={state.conversation_id} />
      ) : null}
    </section>
  );
}

/** Where the next turn will be, while its model reads. */
function Waiting({ round, state }: Omit<RoundProps, 'last'>) {
  const all = state.exchanges > 0 && round.turns.length >= state.exchanges;
  const next = state.participants[round.turns.length % Math.max(1, state.participants.length)];
  const tone = toneOf(next?.id ?? '', state.participants);
  const text = state.phase === 'connecting' ? 'Starting …' : all ? 'Comparing the answers …' : 'Reading …';
  return (
    <div class={`turn turn-waiting ${all ? 'turn-wide' : `who-${tone}`}`}>
      <span class="spinner" aria-hidden="true" /> {text}
    </div>
  );
}

interface TurnProps {
  readonly turn: TurnState;
  readonly state: ChatState;
  readonly chosen: boolean;
}

function Turn({ turn, state, chosen }: TurnProps) {
  const { exchanges, participants } = state;
  const label = labelOf(turn.role);
  const tone = toneOf(turn.role, participants);
  const critique = !isGraph(state.mode) && exchanges > 0 && turn.turn >= exchanges;
  return (
    <article
      class={`turn who-${tone} turn-${turn.status}${chosen ? ' turn-chosen' : ''}`}
      aria-label={`Turn ${turn.turn + 1}, model ${label}, ${turn.model}`}
      data-message-id={turn.message_id}
    >
      <header class="turn-head">
        <span class={`tag who-${tone}`}>{label}</span>
        <span class="turn-model">{turn.model}</span>
        <span class="turn-number">
          {isGraph(state.mode) ? 'node' : 'turn'} {turn.turn + 1}
        </span>
        {critique ? <Badge tone="warn">critique turn</Badge> : null}
        {turn.attempt > 1 ? <Badge tone="warn">attempt {turn.attempt}</Badge> : null}
        {chosen ? <Badge tone="good">chosen</Badge> : null}
      </header>
      <div class="turn-body">
        {turn.text === '' && turn.status === 'streaming' ? (
          <p class="thinking">
            <span class="spinner" aria-hidden="true" /> Reading …
          </p>
        ) : (
          <Markdown text={turn.text} />
        )}
        {turn.status === 'streaming' && turn.text !== '' ? <span class="caret" aria-hidden="true" /> : null}
      </div>
      <TurnFoot turn={turn} />
    </article>
  );
}

function TurnFoot({ turn }: { readonly turn: TurnState }) {
  const { usage, finish_reason: finish } = turn;
  if (turn.status === 'streaming') return null;
  return (
    <footer class="turn-foot">
      {usage === null ? null : (
        <span title="Tokens read and written">
          {formatCount(usage.input_tokens)} in · {formatCount(usage.output_tokens)} out
          {usage.reasoning_tokens === undefined || usage.reasoning_tokens === 0
            ? ''
            : ` (${formatCount(usage.reasoning_tokens)} reasoning)`}
        </span>
      )}
      {turn.confidence === undefined ? null : <span>confidence {formatScore(turn.confidence.value)}</span>}
      <span>{finish === null ? 'stopped before its end' : explainFinish(finish)}</span>
    </footer>
  );
}

/** What ended the conversation when it was not its own end, and what can be done. */
function Outcome({ chat }: { readonly chat: ChatController }) {
  const { state } = chat;
  const id = state.conversation_id;
  const resume =
    id !== null && canResume(state) ? (
      <button type="button" class="button button-small" onClick={() => chat.resume(id)}>
        Resume the conversation
      </button>
    ) : null;
  if (state.problem !== null && !isActive(state.phase))
    return <ProblemNotice state={state} resume={resume} />;
  if (state.phase === 'cancelled')
    return (
      <Notice title="Cancelled">
        <p>The models stopped. What they had written is on record. {resume}</p>
      </Notice>
    );
  if (state.phase === 'elsewhere')
    return (
      <Notice tone="warn" title="Still running">
        <p>What it writes does not reach this page just now: it shows what is on record, and tries again.</p>
      </Notice>
    );
  if (state.phase === 'interrupted')
    return (
      <Notice tone="warn" title="Interrupted">
        <p>The conversation broke off before its last turn. {resume}</p>
      </Notice>
    );
  return null;
}

function ProblemNotice({
  state,
  resume,
}: {
  readonly state: ChatState;
  readonly resume: preact.ComponentChildren;
}) {
  const { problem } = state;
  if (problem === null) return null;
  const wait_s = problem.retry_after_ms === null ? null : Math.ceil(problem.retry_after_ms / 1000);
  return (
    <Notice
      tone="bad"
      title={state.phase === 'interrupted' ? 'The conversation broke off' : 'This did not work'}
      alert
    >
      <p>{problem.message}</p>
      <p class="meta">
        <code>{problem.code}</code>
        {wait_s === null ? null : <span>Try again in {plural(wait_s, 'second')}.</span>}
        {problem.trace_id === null ? null : <a href={href('traces', problem.trace_id)}>Trace</a>}
        {resume}
      </p>
    </Notice>
  );
}

/** Brings a new conversation into view, then its newest words as long as the reader has not scrolled away from them. */
function useFollow(state: ChatState) {
  const end = useRef<HTMLDivElement>(null);
  const active = isActive(state.phase);
  const begins = state.phase === 'connecting';
  useEffect(() => {
    const stage = end.current?.parentElement;
    if (begins && stage != null && stage.getBoundingClientRect().top > window.innerHeight / 2)
      stage.scrollIntoView();
  }, [begins]);
  useEffect(() => {
    const below = document.documentElement.scrollHeight - window.scrollY - window.innerHeight;
    if (active && below < 160) end.current?.scrollIntoView({ block: 'nearest' });
  }, [state.rounds, active]);
  return end;
}
