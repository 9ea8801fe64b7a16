import type { ConversationMode } from '@mcp/contracts';

/** What the form on the first page was left at; kept in this browser. */
export interface ConverseSettings {
  readonly modelA: string;
  readonly modelB: string;
  readonly promptA: string;
  readonly promptB: string;
  readonly mode: ConversationMode;
  readonly exchanges: number;
  readonly max_tokens_per_turn: number;
}

const NAME = 'mcp.converse';

const DEFAULT_SETTINGS: ConverseSettings = {
  modelA: '',
  modelB: '',
  promptA: '',
  promptB: '',
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
  const entries = Object.entries(kept).filter(
    ([name, value]) =>
      name in DEFAULT_SETTINGS && typeof value === typeof DEFAULT_SETTINGS[name as keyof ConverseSettings],
  );
  return Object.fromEntries(entries) as Partial<ConverseSettings>;
}
