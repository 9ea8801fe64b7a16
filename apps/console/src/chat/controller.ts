import type { ChatEvent, ChatRequest } from '@mcp/contracts';
import { createContext } from 'preact';
import { useCallback, useContext, useEffect, useReducer, useRef } from 'preact/hooks';
import { attachChat, type ChatListener, type RunningChat, runChat } from '../api/chat-stream.ts';
import type { Platform } from '../api/platform.ts';
import { type ChatAction, type ChatState, IDLE_CHAT, isActive, isOwn, reduceChat } from './state.ts';

/** The conversation on the first page. It goes on while other pages are looked at. */
export interface ChatController {
  readonly state: ChatState;
  /** Begins a conversation, or asks the next question when the request names one. */
  ask(request: ChatRequest & { readonly message: string }): void;
  /** Finishes an interrupted conversation. */
  resume(conversation_id: string): void;
  cancel(): void;
  /** Shows a recorded conversation, and follows it while it runs. */
  load(state: ChatState): void;
  clear(): void;
}

export const ChatContext = createContext<ChatController | null>(null);

export function useChat(): ChatController {
  const chat = useContext(ChatContext);
  if (chat === null) throw new Error('The conversation was used outside a session.');
  return chat;
}

/** Events that break off are asked for again no sooner than this. */
const ATTACH_AGAIN_MS = 2000;

/** Deltas come faster than a screen shows them: they are taken in together, this often. */
const FLUSH_MS = 40;

export function useChatController(platform: Platform): ChatController {
  const [state, dispatch] = useReducer<ChatState, ChatAction>(reduceChat, IDLE_CHAT);
  const running = useRef<RunningChat | null>(null);
  const generation = useRef(0);
  const attachAgain_ms = useRef(0);

  const leave = () => {
    running.current?.leave();
    return ++generation.current;
  };
  const run = (open: (listener: ChatListener) => RunningChat) => {
    const mine = leave();
    running.current = open(
      buffered((action) => {
        if (generation.current === mine) dispatch(action);
      }),
    );
  };
  const start = (request: ChatRequest) =>
    run((listener) => runChat({ key: platform.key, request, listener }));
  const cancel = useCallback(() => {
    if (running.current === null) return;
    dispatch({ type: 'cancelling' });
    running.current.cancel();
  }, []);
  useEffect(() => () => running.current?.leave(), []);

  const active = isActive(state.phase);
  const own = isOwn(state.phase);
  return {
    state,
    ask: (request) => {
      if (active) return;
      dispatch({ type: 'ask', question: request.message, fresh: request.conversation_id === undefined });
      start(request);
    },
    resume: (conversation_id) => {
      if (active) return;
      dispatch({ type: 'resume' });
      start({ conversation_id });
    },
    cancel,
    load: (loaded) => {
      if (own) return;
      leave();
      dispatch({ type: 'load', state: loaded });
      const id = loaded.conversation_id;
      if (loaded.phase !== 'elsewhere' || id === null || Date.now() < attachAgain_ms.current) return;
      attachAgain_ms.current = Date.now() + ATTACH_AGAIN_MS;
      dispatch({ type: 'attach' });
      run((listener) => attachChat({ key: platform.key, id, listener }));
    },
    clear: () => {
      if (own) return;
      leave();
      dispatch({ type: 'clear' });
    },
  };
}

/** A listener whose events reach the state in batches. */
function buffered(dispatch: (action: ChatAction) => void): ChatListener {
  let waiting: ChatEvent[] = [];
  let timer: ReturnType<typeof setTimeout> | undefined;
  const flush = () => {
    clearTimeout(timer);
    timer = undefined;
    if (waiting.length > 0) dispatch({ type: 'events', events: waiting });
    waiting = [];
  };
  return {
    onEvent: (event) => {
      waiting.push(event);
      timer ??= setTimeout(flush, FLUSH_MS);
    },
    onRefused: (problem) => {
      flush();
      dispatch({ type: 'refused', problem });
    },
    onClosed: (by) => {
      flush();
      dispatch({ type: 'closed', by });
    },
  };
}
