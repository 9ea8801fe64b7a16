/** Exit codes of the `mcp` command; `npx mcp --help` lists them. */
export const EXIT = {
  ok: 0,
  failed: 1,
  usage: 2,
  not_running: 3,
  taken: 4,
} as const;

/** A text of foreign origin with its control characters as escapes: to a terminal they are commands. */
export function printable(text: string): string {
  return text.replace(
    /[^\P{Cc}\n\t]|[\u202a-\u202e\u2066-\u2069]/gu,
    (character) => `\\u${character.charCodeAt(0).toString(16).padStart(4, '0')}`,
  );
}

/** What went wrong, in one line for a person: rule, value and way out. No stack is shown. */
export class CliError extends Error {
  override readonly name = 'CliError';
  readonly exit_code: number;

  constructor(message: string, exit_code: number = EXIT.failed) {
    super(printable(message));
    this.exit_code = exit_code;
  }
}

/** The message of anything thrown. */
export function messageOf(error: unknown): string {
  return error instanceof Error ? error.message : String(error);
}

/** The `code` of a system error (`ENOENT`), or undefined. */
export function codeOf(error: unknown): string | undefined {
  if (typeof error !== 'object' || error === null || !('code' in error)) return undefined;
  return typeof error.code === 'string' ? error.code : undefined;
}
