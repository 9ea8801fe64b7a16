/** Puts back the values whose names a model was shown. */
import { OPEN_PSEUDONYM, PSEUDONYM, type Pseudonyms } from './pseudonyms.ts';

export function restored(
  text: string,
  pseudonyms: Pick<Pseudonyms, 'valueOf'>,
  { json = false }: { readonly json?: boolean } = {},
): string {
  if (!text.includes('<')) return text;
  return text.replace(PSEUDONYM, (name) => {
    const value = pseudonyms.valueOf(name);
    if (value === undefined) return name;
    return json ? JSON.stringify(value).slice(1, -1) : value;
  });
}

/** The same of a text that comes in pieces: what may be the beginning of a name waits for the rest. */
export class Restorer {
  readonly #pseudonyms: Pick<Pseudonyms, 'valueOf'>;
  readonly #options: { readonly json: boolean };
  #waiting = '';

  constructor(pseudonyms: Pick<Pseudonyms, 'valueOf'>, options: { readonly json: boolean }) {
    this.#pseudonyms = pseudonyms;
    this.#options = options;
  }

  push(text: string): string {
    const all = `${this.#waiting}${text}`;
    const open = OPEN_PSEUDONYM.exec(all)?.index ?? all.length;
    this.#waiting = all.slice(open);
    return restored(all.slice(0, open), this.#pseudonyms, this.#options);
  }

  end(): string {
    const rest = this.#waiting;
    this.#waiting = '';
    return restored(rest, this.#pseudonyms, this.#options);
  }
}
