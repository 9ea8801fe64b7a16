import { useEffect, useLayoutEffect } from 'preact/hooks';
import { type ChatController, useChat } from '../chat/controller.ts';
import { chatFromLog } from '../chat/from-log.ts';
import { labelOf } from '../chat/participants.ts';
import { type ChatState, canResume, isActive, isOwn } from '../chat/state.ts';
import { useLoaded } from '../hooks.ts';
import { href, navigate } from '../router.ts';
import { Fault, Loading, PageHead } from '../ui/basics.tsx';
import { ChatView } from './converse-view.tsx';
import { Setup } from './setup.tsx';

/** The first page: a question, one to eight models, their conversation as it is written, and the decision. */
export function Converse({ id }: { readonly id: string | null }) {
  const chat = useChat();
  const { state } = chat;
  const active = isActive(state.phase);
  const own = isOwn(state.phase);
  useAddress(state, id, own);
  useKeys(chat, active);
  const mustLoad = id !== null && !own && (state.conversation_id !== id || state.phase === 'elsewhere');
  const begun = state.phase !== 'idle';
  return (
    <>
      <PageHead
        title="Converse"
        lead="Up to eight models work on one question. Every turn is recorded, and the decision between them is explained."
      />
      <div class="converse">
        <Setup chat={chat} />
        <section class="stage" aria-label="Conversation" aria-busy={active}>
          {mustLoad ? <Recorded id={id} chat={chat} /> : null}
          {begun ? <ChatView chat={chat} /> : mustLoad ? null : <Invitation />}
          <Announcer state={state} />
        </section>
      </div>
    </>
  );
}

/** Loads a recorded conversation into the page; keeps looking while it runs and its events do not come. */
function Recorded({ id, chat }: { readonly id: string; readonly chat: ChatController }) {
  const recorded = useLoaded(
    `conversation:${id}`,
    (platform, signal) => platform.conversation(id, signal),
    (conversation) => (conversation?.status === 'running' ? 2000 : null),
  );
  const { data } = recorded;
  useEffect(() => {
    if (data !== null) chat.load(chatFromLog(data));
  }, [data]);
  if (recorded.error !== null)
    return <Fault error={recorded.error} doing="Opening the conversation" onRetry={recorded.reload} />;
  return data === null ? <Loading what="the conversation" /> : null;
}

function Invitation() {
  return (
    <div class="invitation">
      <h2>Ask something that deserves a second opinion</h2>
      <p>
        Model <span class="tag who-a">A</span> answers first, model <span class="tag who-b">B</span> replies,
        and so on, each in its turn, for as many turns as you choose. Then the platform scores the answers and
        says which one it chooses, and why.
      </p>
      <p class="lead">
        Start with <kbd>Ctrl</kbd> <kbd>Enter</kbd>, stop with <kbd>Esc</kbd>. Earlier conversations are under{' '}
        <a href={href('conversations')}>Conversations</a>.
      </p>
    </div>
  );
}

/** Says the milestones to a screen reader; the words themselves would flood it. */
function Announcer({ state }: { readonly state: ChatState }) {
  return (
    <p class="visually-hidden" role="status">
      {milestone(state)}
    </p>
  );
}

function milestone(state: ChatState): string {
  const round = state.rounds[state.rounds.length - 1];
  const turn = round?.turns[round.turns.length - 1];
  switch (state.phase) {
    case 'idle':
    case 'elsewhere':
      return '';
    case 'connecting':
      return 'Starting the conversation.';
    case 'streaming':
    case 'following':
      return turn === undefined
        ? 'The conversation has begun.'
        : `Model ${labelOf(turn.role)} ${turn.status === 'streaming' ? 'is writing' : 'has finished'} turn ${turn.turn + 1} of ${state.exchanges}.`;
    case 'cancelling':
      return 'Cancelling.';
    case 'completed':
      return `The conversation is complete. ${round?.decision?.reason ?? ''}`;
    case 'cancelled':
      return 'The conversation was cancelled.';
    case 'interrupted':
    case 'failed':
      return canResume(state) ? 'The conversation broke off. It can be resumed.' : 'The conversation failed.';
    default:
      return state.phase satisfies never;
  }
}

/** Keeps the address on the conversation that is shown, so that a reload finds it again. */
function useAddress(state: ChatState, id: string | null, own: boolean): void {
  const shown = state.conversation_id;
  // Before anything of the conversation is to be seen: whoever sees it may reload.
  useLayoutEffect(() => {
    if (shown !== null && id !== shown && (own || id === null))
      navigate(href('converse', shown), { replace: true });
  }, [shown, id, own]);
}

function useKeys(chat: ChatController, active: boolean): void {
  useEffect(() => {
    const onKey = (event: KeyboardEvent) => {
      if (event.key !== 'Escape' || !active || event.defaultPrevented) return;
      event.preventDefault();
      chat.cancel();
    };
    document.addEventListener('keydown', onKey);
    return () => document.removeEventListener('keydown', onKey);
  }, [active, chat.cancel]);
}
