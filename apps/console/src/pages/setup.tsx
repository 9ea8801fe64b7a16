import type { ChatRequest, ConversationMode, ModelInfo, PromptInfo } from '@mcp/contracts';
import type { RefObject } from 'preact';
import { useRef, useState } from 'preact/hooks';
import type { ChatController } from '../chat/controller.ts';
import { canResume, isActive } from '../chat/state.ts';
import { useLoaded } from '../hooks.ts';
import { href, navigate } from '../router.ts';
import { type ConverseSettings, loadSettings, saveSettings } from '../settings.ts';
import { Fault } from '../ui/basics.tsx';
import { chatModels, modelChoice } from './models.ts';

const MODES: readonly { readonly mode: ConversationMode; readonly label: string; readonly hint: string }[] = [
  { mode: 'debate', label: 'Debate', hint: 'B challenges what A answers, A revises it.' },
  { mode: 'cross-check', label: 'Cross-check', hint: 'B checks each fact, A takes the corrections over.' },
  { mode: 'answer', label: 'Answer', hint: 'Each answers alone first, then they compare.' },
];

/** The form that begins a conversation or asks on in the one shown. */
export function Setup({ chat }: { readonly chat: ChatController }) {
  const [settings, setSettings] = useState<ConverseSettings>(loadSettings);
  const [question, setQuestion] = useState('');
  const [fault, setFault] = useState<string | null>(null);
  const field = useRef<HTMLTextAreaElement>(null);
  const models = useModels();
  const prompts = useLoaded('prompts', (platform, signal) => platform.prompts(signal));
  const change = (part: Partial<ConverseSettings>) => {
    const next = { ...settings, ...part };
    setSettings(next);
    saveSettings(next);
  };
  const active = isActive(chat.state.phase);
  const going = chat.state.conversation_id !== null;
  const choice = modelChoice(models.data ?? [], settings);
  const submit = (event?: Event) => {
    event?.preventDefault();
    const message = question.trim();
    if (active) return;
    if (message === '') {
      setFault('Write a question first.');
      field.current?.focus();
      return;
    }
    setFault(null);
    chat.ask(toRequest(message, { ...settings, ...choice }, chat.state.conversation_id));
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
      ) : (
        <ModelFields
          models={models.data ?? []}
          choice={choice}
          prompts={prompts.data ?? []}
          settings={settings}
          change={change}
        />
      )}
      <ShapeFields settings={settings} change={change} begun={going} />
      {models.error === null ? null : (
        <Fault error={models.error} doing="Loading the models" onRetry={models.reload} />
      )}
      {prompts.error === null ? null : (
        <Fault error={prompts.error} doing="Loading the prompts" onRetry={prompts.reload} />
      )}
    </form>
  );
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

function toRequest(message: string, settings: ConverseSettings, conversation_id: string | null) {
  const { modelA, modelB, promptA, promptB, mode, exchanges, max_tokens_per_turn } = settings;
  const shape = { message, exchanges, max_tokens_per_turn };
  if (conversation_id !== null) return { ...shape, conversation_id } satisfies ChatRequest;
  return {
    ...shape,
    mode,
    ...(modelA === '' ? {} : { modelA }),
    ...(modelB === '' ? {} : { modelB }),
    ...(promptA === '' ? {} : { promptA }),
    ...(promptB === '' ? {} : { promptB }),
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

interface ModelFieldsProps {
  readonly models: readonly ModelInfo[];
  readonly choice: { readonly modelA: string; readonly modelB: string };
  readonly prompts: readonly PromptInfo[];
  readonly settings: ConverseSettings;
  readonly change: (part: Partial<ConverseSettings>) => void;
}

function ModelFields({ models, choice, prompts, settings, change }: ModelFieldsProps) {
  const waiting = models.filter((model) => model.status !== 'ready');
  return (
    <>
      <fieldset class="side-fields side-a" aria-label="Side A">
        <ModelSelect
          label="Model A"
          models={models}
          value={choice.modelA}
          onPick={(modelA) => change({ modelA })}
        />
        <PromptSelect
          label="Prompt A"
          prompts={prompts}
          value={settings.promptA}
          onPick={(promptA) => change({ promptA })}
        />
      </fieldset>
      <fieldset class="side-fields side-b" aria-label="Side B">
        <ModelSelect
          label="Model B"
          models={models}
          value={choice.modelB}
          onPick={(modelB) => change({ modelB })}
        />
        <PromptSelect
          label="Prompt B"
          prompts={prompts}
          value={settings.promptB}
          onPick={(promptB) => change({ promptB })}
        />
      </fieldset>
      {waiting.length === 0 ? null : (
        <ul class="waiting" aria-label="Models on their way">
          {waiting.map((model) => (
            <li key={model.id}>
              <span
                class="spinner"
                aria-hidden="true"
                data-still={model.status === 'unavailable' ? '' : undefined}
              />
              <span>
                <strong>{model.id}</strong> {model.detail ?? model.status}
              </span>
            </li>
          ))}
        </ul>
      )}
    </>
  );
}

interface SelectProps {
  readonly label: string;
  readonly value: string;
  readonly onPick: (value: string) => void;
}

function ModelSelect({
  label,
  models,
  value,
  onPick,
}: SelectProps & { readonly models: readonly ModelInfo[] }) {
  return (
    <label class="field">
      <span>{label}</span>
      <select value={value} onChange={(event) => onPick(event.currentTarget.value)}>
        {models.length === 0 ? <option value="">No model is here yet</option> : null}
        {models.map((model) => (
          <option key={model.id} value={model.id} disabled={model.status !== 'ready'}>
            {model.status === 'ready' ? model.id : `${model.id} – ${model.detail ?? model.status}`}
          </option>
        ))}
      </select>
    </label>
  );
}

function PromptSelect({
  label,
  prompts,
  value,
  onPick,
}: SelectProps & { readonly prompts: readonly PromptInfo[] }) {
  const chosen = prompts.find((prompt) => prompt.name === value);
  return (
    <label class="field">
      <span>{label}</span>
      <select
        value={chosen?.name ?? ''}
        title={chosen?.description}
        onChange={(event) => onPick(event.currentTarget.value)}
      >
        <option value="">Default</option>
        {prompts.map((prompt) => (
          <option key={prompt.name} value={prompt.name} title={prompt.description}>
            {prompt.source === 'user' ? `${prompt.name} (yours)` : prompt.name}
          </option>
        ))}
      </select>
    </label>
  );
}

interface ShapeFieldsProps {
  readonly settings: ConverseSettings;
  readonly change: (part: Partial<ConverseSettings>) => void;
  /** The conversation has begun: its mode is fixed. */
  readonly begun: boolean;
}

function ShapeFields({ settings, change, begun }: ShapeFieldsProps) {
  return (
    <fieldset class="side-fields shape" aria-label="Shape of the conversation">
      {begun ? null : <ModeField value={settings.mode} onPick={(mode) => change({ mode })} />}
      <NumberField
        label="Exchanges"
        hint="Turns in all, 1 to 16"
        max={16}
        value={settings.exchanges}
        onPick={(exchanges) => change({ exchanges })}
      />
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
  readonly onPick: (mode: ConversationMode) => void;
}

function ModeField({ value, onPick }: ModeFieldProps) {
  return (
    <label class="field field-row">
      <span>Mode</span>
      <select
        value={value}
        aria-describedby="mode-hint"
        onChange={(event) => {
          const picked = MODES.find(({ mode }) => mode === event.currentTarget.value);
          if (picked !== undefined) onPick(picked.mode);
        }}
      >
        {MODES.map(({ mode, label }) => (
          <option key={mode} value={mode}>
            {label}
          </option>
        ))}
      </select>
      <small id="mode-hint">{MODES.find(({ mode }) => mode === value)?.hint}</small>
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
