import type { ConversationMode } from '@mcp/contracts';

/** One who takes part, as the form has it; what is empty is chosen. */
export interface ParticipantFields {
  readonly id: string;
  readonly model: string;
  readonly prompt: string;
}

/** What the form on the first page was left at; kept in this browser. */
export interface ConverseSettings {
  readonly participants: readonly ParticipantFields[];
  readonly mode: ConversationMode;
  readonly exchanges: number;
  readonly max_tokens_per_turn: number;
}

const NAME = 'mcp.converse';

export const MAX_PARTICIPANTS = 8;
export const NEW_PARTICIPANT: ParticipantFields = { id: '', model: '', prompt: '' };
const DEFAULT_SETTINGS: ConverseSettings = {
  participants: [NEW_PARTICIPANT, NEW_PARTICIPANT],
  mode: 'debate',
  exchanges: 4,
  max_tokens_per_turn: 256,
};

export function loadSettings(): ConverseSettings {
  try {
    const kept: unknown = JSON.parse(localStorage.getItem(NAME) ?? 'null');
    return typeof kept === 'object' && kept !== null
      ? { ...DEFAULT_SETTINGS, ...known(kept) }
      : DEFAULT_SETTINGS;
  } catch {
    return DEFAULT_SETTINGS;
  }
}

export function saveSettings(settings: ConverseSettings): void {
  try {
    localStorage.setItem(NAME, JSON.stringify(settings));
  } catch {
    // Storage is refused: the form starts from its defaults next time.
  }
}

/** Keeps only fields of the right type, so that an older version's leftovers do no harm. */
function known(kept: object): Partial<ConverseSettings> {
  const entries = Object.entries(kept).filter(([name, value]) =>
    name === 'participants'
      ? areParticipants(value)
      : name in DEFAULT_SETTINGS && typeof value === typeof DEFAULT_SETTINGS[name as keyof ConverseSettings],
  );
  return Object.fromEntries(entries) as Partial<ConverseSettings>;
}

function areParticipants(value: unknown): boolean {
  return (
    Array.isArray(value) &&
    value.length >= 1 &&
    value.length <= MAX_PARTICIPANTS &&
    value.every((one) => Object.keys(NEW_PARTICIPANT).every((name) => typeof one?.[name] === 'string'))
  );
}
