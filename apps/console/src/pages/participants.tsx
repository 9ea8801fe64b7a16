/** The part of the form that says who takes part: one to eight models, each under a prompt and an id. */
import type { ModelInfo, PromptInfo } from '@mcp/contracts';
import { defaultId, labelOf, toneAt } from '../chat/participants.ts';
import { MAX_PARTICIPANTS, NEW_PARTICIPANT, type ParticipantFields } from '../settings.ts';

interface ParticipantsProps {
  readonly models: readonly ModelInfo[];
  readonly prompts: readonly PromptInfo[];
  readonly participants: readonly ParticipantFields[];
  /** The model of each that is shown: the wished one, or one that stands in. */
  readonly choice: readonly string[];
  /** What is wrong with an id. */
  readonly fault: IdFault | null;
  readonly change: (participants: readonly ParticipantFields[]) => void;
}

export interface IdFault {
  readonly at: number;
  readonly message: string;
}

/** The first id that a conversation could not have. */
export function idFault(participants: readonly ParticipantFields[]): IdFault | null {
  const ids = participants.map(({ id }, at) => id || defaultId(at));
  for (const [at, id] of ids.entries()) {
    if (!/^[A-Za-z0-9][A-Za-z0-9_-]{0,31}$/.test(id))
      return { at, message: 'Use at most 32 letters, digits, _ and -, a letter or digit first.' };
    if (/^(system|user|assistant|summary|decision)$/.test(id))
      return { at, message: `Logs use ${id} already: choose another.` };
    if (ids.indexOf(id) < at) return { at, message: `${id} is taken: choose another.` };
  }
  return null;
}

export function Participants(props: ParticipantsProps) {
  const { models, participants, change } = props;
  const waiting = models.filter((model) => model.status !== 'ready');
  return (
    <>
      {participants.map((_, at) => (
        <OneParticipant key={defaultId(at)} {...props} at={at} />
      ))}
      {participants.length === MAX_PARTICIPANTS ? null : (
        <button
          type="button"
          class="button button-small"
          onClick={() => change([...participants, NEW_PARTICIPANT])}
        >
          Add a participant
        </button>
      )}
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

function OneParticipant(props: ParticipantsProps & { readonly at: number }) {
  const { models, prompts, participants, choice, fault, change, at } = props;
  const { id, prompt } = participants[at] ?? NEW_PARTICIPANT;
  const usual = defaultId(at);
  const label = labelOf(usual);
  const set = (part: Partial<ParticipantFields>) =>
    change(participants.map((one, place) => (place === at ? { ...one, ...part } : one)));
  return (
    <fieldset class={`side-fields participant who-${toneAt(at)}`} aria-label={`Participant ${label}`}>
      <ModelSelect
        label={`Model ${label}`}
        models={models}
        value={choice[at] ?? ''}
        onPick={(model) => set({ model })}
      />
      <PromptSelect
        label={`Prompt ${label}`}
        prompts={prompts}
        value={prompt}
        onPick={(picked) => set({ prompt: picked })}
      />
      <IdField
        label={`Id ${label}`}
        usual={usual}
        value={id}
        fault={fault?.at === at ? fault.message : null}
        onPick={(typed) => set({ id: typed })}
      />
      {participants.length === 1 ? null : (
        <button
          type="button"
          class="button button-quiet button-small"
          onClick={() => change(participants.filter((_, place) => place !== at))}
        >
          Remove {label}
        </button>
      )}
    </fieldset>
  );
}

interface IdFieldProps extends SelectProps {
  /** What it is called where nothing is said. */
  readonly usual: string;
  readonly fault: string | null;
}

function IdField({ label, usual, value, fault, onPick }: IdFieldProps) {
  const of_fault = `fault-${usual}`;
  return (
    <>
      <label class="field">
        <span>{label}</span>
        <input
          value={value}
          placeholder={usual}
          maxLength={32}
          spellcheck={false}
          autocomplete="off"
          aria-invalid={fault !== null}
          aria-describedby={fault === null ? undefined : of_fault}
          onInput={(event) => onPick(event.currentTarget.value.trim())}
        />
      </label>
      {fault === null ? null : (
        <p id={of_fault} class="field-fault" role="alert">
          {fault}
        </p>
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
