import { stripVTControlCharacters, styleText } from 'node:util';

/** Between two progress lines where the output is not a terminal. */
const PLAIN_EVERY_MS = 5000;
const LIVE_EVERY_MS = 100;

type Format = Parameters<typeof styleText>[0];

/** Something that takes longer than a second: it says what it does while it does it. */
interface Step {
  update(detail: string): void;
  done(detail?: string): void;
  fail(detail: string): void;
}

/** How a command speaks: lines, and live progress where there is a terminal. */
export interface Ui {
  say(text: string): void;
  warn(text: string): void;
  step(label: string): Step;
}

/** Colour where the terminal wants it; NO_COLOR, FORCE_COLOR and pipes are respected. */
export function paint(format: Format, text: string): string {
  return styleText(format, text, { stream: process.stdout, validateStream: true });
}

/** A Ui on stdout. */
export function terminalUi(out: NodeJS.WriteStream = process.stdout): Ui {
  return out.isTTY ? new LiveUi(out) : lineUi((text) => void out.write(`${text}\n`));
}

/** A Ui of whole lines only, for pipes, files and the parent of a detached start. */
export function lineUi(write: (line: string) => void): Ui {
  return {
    say: write,
    warn: (text) => write(`! ${text}`),
    step(label) {
      let last_ms = Date.now();
      let ended = false;
      const end = (line: string) => {
        if (!ended) write(line);
        ended = true;
      };
      return {
        update(detail) {
          if (ended || Date.now() - last_ms < PLAIN_EVERY_MS) return;
          last_ms = Date.now();
          write(`  ${label}: ${detail}`);
        },
        done: (detail) => end(`✓ ${label}${detail === undefined ? '' : `: ${detail}`}`),
        fail: (detail) => end(`✗ ${label}: ${detail}`),
      };
    },
  };
}

/** Keeps the steps in progress below the lines already said, redrawn in place. */
class LiveUi implements Ui {
  readonly #out: NodeJS.WriteStream;
  readonly #steps = new Map<object, string>();
  #drawn = 0;
  #timer: NodeJS.Timeout | undefined;

  constructor(out: NodeJS.WriteStream) {
    this.#out = out;
  }

  say(text: string): void {
    this.#erase();
    this.#out.write(`${text}\n`);
    this.#draw();
  }

  warn(text: string): void {
    this.say(`${paint('yellow', '!')} ${text}`);
  }

  step(label: string): Step {
    const id = {};
    this.#steps.set(id, label);
    this.#schedule();
    const end = (line: string) => {
      if (!this.#steps.delete(id)) return;
      this.say(line);
    };
    return {
      update: (detail) => {
        if (!this.#steps.has(id)) return;
        this.#steps.set(id, `${label}: ${detail}`);
        this.#schedule();
      },
      done: (detail) =>
        end(`${paint('green', '✓')} ${label}${detail === undefined ? '' : `: ${paint('dim', detail)}`}`),
      fail: (detail) => end(`${paint('red', '✗')} ${label}: ${detail}`),
    };
  }

  #schedule(): void {
    this.#timer ??= setTimeout(() => {
      this.#timer = undefined;
      this.#erase();
      this.#draw();
    }, LIVE_EVERY_MS).unref();
  }

  #erase(): void {
    if (this.#drawn > 0) this.#out.write(`\x1b[${this.#drawn}A\x1b[0J`);
    this.#drawn = 0;
  }

  #draw(): void {
    const width = Math.max(20, (this.#out.columns || 80) - 3);
    for (const text of this.#steps.values()) {
      this.#out.write(
        `${paint('cyan', '…')} ${text.length > width ? `${text.slice(0, width - 1)}…` : text}\n`,
      );
      this.#drawn++;
    }
  }
}

/** Rows as aligned columns. Cells may carry colour. */
export function table(head: readonly string[], rows: readonly (readonly string[])[]): string[] {
  const widths = head.map((cell, at) => Math.max(width(cell), ...rows.map((row) => width(row[at] ?? ''))));
  const line = (cells: readonly string[]) =>
    cells
      .map((cell, at) => cell + ' '.repeat(Math.max(0, (widths[at] ?? 0) - width(cell))))
      .join('  ')
      .trimEnd();
  return [paint('dim', line(head)), ...rows.map(line)];
}

function width(text: string): number {
  return stripVTControlCharacters(text).length;
}

/** `12 s`, `1 min 05 s`, `0.4 s`. */
export function duration(ms: number): string {
  if (ms < 10_000) return `${(ms / 1000).toFixed(1)} s`;
  const s = Math.round(ms / 1000);
  if (s < 60) return `${s} s`;
  if (s < 3600) return `${Math.floor(s / 60)} min ${String(s % 60).padStart(2, '0')} s`;
  return `${Math.floor(s / 3600)} h ${String(Math.floor((s % 3600) / 60)).padStart(2, '0')} min`;
}

/** `98.2 MB`. */
export function bytes(count: number): string {
  if (count < 1e6) return `${(count / 1e3).toFixed(0)} kB`;
  return count < 1e9 ? `${(count / 1e6).toFixed(0)} MB` : `${(count / 1e9).toFixed(2)} GB`;
}
