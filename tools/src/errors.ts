/** Exit codes of the `mcp` command; `npx mcp --help` lists them. */
export const EXIT = {
  ok: 0,
  failed: 1,
  usage: 2,
  not_running: 3,
  taken: 4,
} as const;

/** What went wrong, in one line for a person: rule, value and way out. No stack is shown. */
export class CliError extends Error {
  override readonly name = 'CliError';
  readonly exit_code: number;

  constructor(message: string, exit_code: number = EXIT.failed) {
    super(message);
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
