/** A text with what is personal in it replaced, as it comes. */
import type { PiiKind } from './kinds.ts';
import { type Pseudonyms, unescaped } from './pseudonyms.ts';
import { type Part, PiiReader, type ReaderOptions } from './reader.ts';

export interface RedactOptions extends ReaderOptions {
  readonly pseudonyms: Pseudonyms;
  /** Texts that are nobody's; compared without case. */
  readonly allow?: ReadonlySet<string>;
  readonly onFound?: (kind: PiiKind) => void;
}

export class Redactor {
  readonly #options: RedactOptions;
  readonly #reader: PiiReader;
  /** Inside a text of JSON, and after a backslash there. */
  #quoted = false;
  #escaped = false;

  constructor(options: RedactOptions) {
    this.#options = options;
    this.#reader = new PiiReader(options);
  }

  /** Characters that wait for what follows them. */
  get held(): number {
    return this.#reader.held;
  }

  /** What may go on. */
  push(text: string): string {
    return this.#replaced(this.#reader.push(text));
  }

  end(): string {
    return this.#replaced(this.#reader.end());
  }

  #replaced(parts: Iterable<Part>): string {
    let out = '';
    for (const part of parts) out += this.#part(part);
    return out;
  }

  #part({ text, spans }: Part): string {
    const { pseudonyms, allow, onFound, json } = this.#options;
    if (spans.length === 0 && json !== true) return text;
    let out = '';
    let from = 0;
    for (const { kind, start, end } of spans) {
      const value = text.slice(start, end);
      if (allow?.has(value.toLowerCase()) === true) continue;
      const before = text.slice(from, start);
      this.#follow(before);
      const name = pseudonyms.of(kind, json === true ? unescaped(value) : value);
      // A number of JSON becomes a text, its sign with it.
      const number = json === true && !this.#quoted;
      out += number ? `${before.replace(/-$/, '')}"${name}"` : `${before}${name}`;
      this.#follow(value);
      from = end;
      onFound?.(kind);
    }
    const rest = text.slice(from);
    this.#follow(rest);
    return `${out}${rest}`;
  }

  #follow(text: string): void {
    if (this.#options.json !== true) return;
    for (const char of text) {
      if (this.#escaped) this.#escaped = false;
      else if (char === '\\') this.#escaped = this.#quoted;
      else if (char === '"') this.#quoted = !this.#quoted;
    }
  }
}

export function redacted(text: string, options: RedactOptions): string {
  const redactor = new Redactor(options);
  return `${redactor.push(text)}${redactor.end()}`;
}
