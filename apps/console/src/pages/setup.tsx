import type { ChatRequest, ConversationMode, GraphInfo } from '@mcp/contracts';
import type { RefObject } from 'preact';
import { useRef, useState } from 'preact/hooks';
import type { ChatController } from '../chat/controller.ts';
import { defaultId } from '../chat/participants.ts';
import { canResume, isActive, isGraph } from '../chat/state.ts';
import { type Loaded, useLoaded } from '../hooks.ts';
import { href, navigate } from '../router.ts';
import { type ConverseSettings, loadSettings, saveSettings } from '../settings.ts';
import { Fault } from '../ui/basics.tsx';
import { chatModels, modelChoice } from './models.ts';
import { idFault, Participants } from './participants.tsx';

const MODES: readonly { readonly mode: ConversationMode; readonly label: string; readonly hint: string }[] = [
  { mode: 'debate', label: 'Debate', hint: 'Each challenges the answer before it, or revises its own.' },
  {
    mode: 'cross-check',
    label: 'Cross-check',
    hint: 'Each checks the facts said before, or takes corrections over.',
  },
  { mode: 'answer', label: 'Answer', hint: 'Each answers alone first, then they compare.' },
];

/** The form that begins a conversation or asks on in the one shown. */
export function Setup({ chat }: { readonly chat: ChatController }) {
  const { settings, change } = useSettings();
  const [question, setQuestion] = useState('');
  const [fault, setFault] = useState<string | null>(null);
  const field = useRef<HTMLTextAreaElement>(null);
  const models = useModels();
  const prompts = useLoaded('prompts', (platform, signal) => platform.prompts(signal));
  const graphs = useLoaded('graphs', (platform, signal) => platform.graphs(signal));
  const inTurns = !isGraph(settings.mode);
  const active = isActive(chat.state.phase);
  const going = chat.state.conversation_id !== null;
  const { participants } = settings;
  const choice = modelChoice(
    models.data ?? [],
    participants.map(({ model }) => model),
  );
  const submit = (event?: Event) => {
    event?.preventDefault();
    const message = question.trim();
    if (active || (!going && inTurns && idFault(participants) !== null)) return;
    if (message === '') {
      setFault('Write a question first.');
      field.current?.focus();
      return;
    }
    setFault(null);
    const chosen = participants.map((one, at) => ({ ...one, model: choice[at] ?? '' }));
    chat.ask(toRequest(message, { ...settings, participants: chosen }, chat.state));
    setQuestion('');
    // On a touch screen the keyboard would cover what is now being written.
    if (window.matchMedia('(pointer: coarse)').matches) field.current?.blur();
  };
  return (
    <form class="setup panel" onSubmit={submit} aria-label="New conversation" noValidate>
      <QuestionField
        field={field}
        label={going ? 'Next question in this conversation' : 'Question'}
        value={question}
        fault={fault}
        onInput={setQuestion}
        onSubmit={submit}
      />
      <Buttons chat={chat} onNew={() => field.current?.focus()} />
      {going ? (
        <p class="lead">Models, prompts and mode stay as this conversation began.</p>
      ) : inTurns ? (
        <Participants
          models={models.data ?? []}
          prompts={prompts.data ?? []}
          participants={participants}
          choice={choice}
          fault={idFault(participants)}
          change={(next) => change({ participants: next })}
        />
      ) : null}
      <ShapeFields
        settings={settings}
        change={change}
        begun={going}
        inTurns={going ? !isGraph(chat.state.mode) : inTurns}
        graphs={graphs.data ?? []}
      />
      <LoadFault doing="Loading the models" {...models} />
      <LoadFault doing="Loading the prompts" {...prompts} />
    </form>
  );
}

function LoadFault({ doing, error, reload }: Omit<Loaded<unknown>, 'data'> & { readonly doing: string }) {
  return error === null ? null : <Fault error={error} doing={doing} onRetry={reload} />;
}

/** What is chosen in the form, as it was the last time. */
function useSettings() {
  const [settings, setSettings] = useState<ConverseSettings>(loadSettings);
  const change = (part: Partial<ConverseSettings>) => {
    const next = { ...settings, ...part };
    setSettings(next);
    saveSettings(next);
  };
  return { settings, change };
}

interface QuestionFieldProps {
  readonly field: RefObject<HTMLTextAreaElement | null>;
  readonly label: string;
  readonly value: string;
  readonly fault: string | null;
  readonly onInput: (value: string) => void;
  readonly onSubmit: (event: Event) => void;
}

function QuestionField({ field, label, value, fault, onInput, onSubmit }: QuestionFieldProps) {
  return (
    <>
      <label class="field">
        <span>{label}</span>
        <textarea
          ref={field}
          name="question"
          rows={5}
          value={value}
          maxLength={200_000}
          aria-invalid={fault !== null}
          aria-describedby={fault === null ? undefined : 'question-fault'}
          onInput={(input) => onInput(input.currentTarget.value)}
          onKeyDown={(event) => {
            if (event.key === 'Enter' && (event.ctrlKey || event.metaKey)) onSubmit(event);
          }}
        />
      </label>
      {fault === null ? null : (
        <p id="question-fault" class="field-fault" role="alert">
          {fault}
        </p>
      )}
    </>
  );
}

/** The chat models; asked for often while one of them is still on its way. */
function useModels() {
  return useLoaded(
    'models',
    async (platform, signal) => chatModels(await platform.models(signal)),
    (models) => (models?.every((model) => model.status === 'ready') ? 15_000 : 2000),
  );
}

function toRequest(message: string, settings: ConverseSettings, chat: ChatController['state']) {
  const { participants, mode, exchanges, max_tokens_per_turn } = settings;
  const { conversation_id } = chat;
  const graph = isGraph(conversation_id === null ? mode : chat.mode);
  const shape = { message, max_tokens_per_turn, ...(graph ? {} : { exchanges }) };
  if (conversation_id !== null) return { ...shape, conversation_id } satisfies ChatRequest;
  if (graph) return { ...shape, mode } satisfies ChatRequest;
  return {
    ...shape,
    mode,
    participants: participants.map(({ id, model, prompt }, at) => ({
      id: id || defaultId(at),
      ...(model === '' ? {} : { model }),
      ...(prompt === '' ? {} : { prompt }),
    })),
  } satisfies ChatRequest;
}

function Buttons({ chat, onNew }: { readonly chat: ChatController; readonly onNew: () => void }) {
  const { state } = chat;
  const active = isActive(state.phase);
  const id = state.conversation_id;
  const startNew = () => {
    chat.clear();
    navigate(href('converse'), { replace: true });
    onNew();
  };
  return (
    <div class="setup-buttons">
      {active ? (
        <button
          type="button"
          class="button button-stop"
          onClick={chat.cancel}
          disabled={state.phase === 'cancelling'}
        >
          {state.phase === 'cancelling' ? 'Cancelling …' : 'Cancel'} <kbd>Esc</kbd>
        </button>
      ) : (
        <button type="submit" class="button button-primary">
          {id === null ? 'Start' : 'Ask'} <kbd>Ctrl</kbd> <kbd>↵</kbd>
        </button>
      )}
      {!active && id !== null && canResume(state) ? (
        <button type="button" class="button" onClick={() => chat.resume(id)}>
          Resume
        </button>
      ) : null}
      {!active && state.phase !== 'idle' ? (
        <button type="button" class="button" onClick={startNew}>
          New conversation
        </button>
      ) : null}
    </div>
  );
}

interface ShapeFieldsProps {
  readonly settings: ConverseSettings;
  readonly change: (part: Partial<ConverseSettings>) => void;
  /** The conversation has begun: its mode is fixed. */
  readonly begun: boolean;
  /** It is no graph of agents, which says itself who speaks. */
  readonly inTurns: boolean;
  readonly graphs: readonly GraphInfo[];
}

function ShapeFields({ settings, change, begun, inTurns, graphs }: ShapeFieldsProps) {
  return (
    <fieldset class="side-fields shape" aria-label="Shape of the conversation">
      {begun ? null : <ModeField value={settings.mode} graphs={graphs} onPick={(mode) => change({ mode })} />}
      {inTurns ? (
        <NumberField
          label="Exchanges"
          hint="Turns in all, 1 to 16"
          max={16}
          value={settings.exchanges}
          onPick={(exchanges) => change({ exchanges })}
        />
      ) : null}
      <NumberField
        label="Tokens per turn"
        hint="At most, 1 to 4096"
        max={4096}
        value={settings.max_tokens_per_turn}
        onPick={(max_tokens_per_turn) => change({ max_tokens_per_turn })}
      />
    </fieldset>
  );
}

interface ModeFieldProps {
  readonly value: ConversationMode;
  readonly graphs: readonly GraphInfo[];
  readonly onPick: (mode: ConversationMode) => void;
}

function ModeField({ value, graphs, onPick }: ModeFieldProps) {
  const modes = [
    ...MODES,
    ...graphs.map(({ model, description }) => ({
      mode: model as ConversationMode,
      label: model,
      hint: description,
    })),
  ];
  return (
    <label class="field field-row">
      <span>Mode</span>
      <select
        value={value}
        aria-describedby="mode-hint"
        onChange={(event) => {
          const picked = modes.find(({ mode }) => mode === event.currentTarget.value);
          if (picked !== undefined) onPick(picked.mode);
        }}
      >
        {modes.map(({ mode, label }) => (
          <option key={mode} value={mode}>
            {label}
          </option>
        ))}
      </select>
      <small id="mode-hint">{modes.find(({ mode }) => mode === value)?.hint}</small>
    </label>
  );
}

interface NumberFieldProps {
  readonly label: string;
  readonly hint: string;
  readonly max: number;
  readonly value: number;
  readonly onPick: (value: number) => void;
}

/** A whole number from 1 to `max`; what is typed beyond comes back to the nearest bound when the field is left. */
function NumberField({ label, hint, max, value, onPick }: NumberFieldProps) {
  const take = (input: HTMLInputElement, settle: boolean) => {
    const typed = Number(input.value);
    const bounded = Math.min(max, Math.max(1, Math.round(typed) || 1));
    if (bounded === typed || settle) onPick(bounded);
    if (settle) input.value = String(bounded);
  };
  return (
    <label class="field">
      <span>{label}</span>
      <input
        type="number"
        min={1}
        max={max}
        step={1}
        value={value}
        title={hint}
        onInput={(event) => take(event.currentTarget, false)}
        onBlur={(event) => take(event.currentTarget, true)}
      />
      <small>{hint}</small>
    </label>
  );
}
