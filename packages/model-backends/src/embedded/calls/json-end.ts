/** Finds where a JSON value ends that comes in pieces, and is known to be well formed. Pure. */
export class JsonEnd {
  #depth = 0;
  #begun = false;
  #quoted = false;
  #escaped = false;

  /** How many characters of the piece belong to the value, once it has ended. */
  push(piece: string): number | undefined {
    for (let at = 0; at < piece.length; at++) {
      const end = this.#read(piece[at] ?? '');
      if (end !== undefined) return at + end;
    }
    return undefined;
  }

  #read(char: string): 0 | 1 | undefined {
    if (this.#quoted) {
      if (this.#escaped) this.#escaped = false;
      else if (char === '\\') this.#escaped = true;
      else if (char === '"') {
        this.#quoted = false;
        return this.#depth === 0 ? 1 : undefined;
      }
      return undefined;
    }
    // A number or a word at the top has no end of its own.
    if (char.trim() === '') return this.#begun && this.#depth === 0 ? 0 : undefined;
    this.#begun = true;
    if (char === '"') this.#quoted = true;
    else if (char === '{' || char === '[') this.#depth++;
    else if (char === '}' || char === ']') return --this.#depth === 0 ? 1 : undefined;
    return undefined;
  }
}
