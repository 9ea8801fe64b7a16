const OPEN = '<think>';
const CLOSE = '</think>';

export interface Split {
  readonly text: string;
  readonly reasoning: string;
}

/**
 * Takes `<think>…</think>` out of a stream of text, wherever the pieces are cut, for backends that leave a
 * model's hidden reasoning in its answer. Reasoning may stand at the beginning only; later tags are plain text.
 */
export class ReasoningSplitter {
  #state: 'start' | 'thinking' | 'gap' | 'answer' = 'start';
  #held = '';

  push(piece: string): Split {
    this.#held += piece;
    return this.#drain(false);
  }

  /** What was held back because it might have become a tag. */
  end(): Split {
    return this.#drain(true);
  }

  #drain(last: boolean): Split {
    let reasoning = '';
    if (this.#state === 'start') {
      const trimmed = this.#held.trimStart();
      if (!last && OPEN.startsWith(trimmed)) return { text: '', reasoning };
      if (trimmed.startsWith(OPEN)) {
        this.#state = 'thinking';
        this.#held = trimmed.slice(OPEN.length);
      } else this.#state = 'answer';
    }
    if (this.#state === 'thinking') {
      const at = this.#held.indexOf(CLOSE);
      if (at < 0) {
        const keep = last ? 0 : heldBack(this.#held);
        reasoning = this.#held.slice(0, this.#held.length - keep);
        this.#held = this.#held.slice(this.#held.length - keep);
        return { text: '', reasoning };
      }
      reasoning = this.#held.slice(0, at);
      this.#held = this.#held.slice(at + CLOSE.length);
      this.#state = 'gap';
    }
    if (this.#state === 'gap') {
      this.#held = this.#held.trimStart();
      if (this.#held !== '') this.#state = 'answer';
    }
    const text = this.#held;
    this.#held = '';
    return { text, reasoning };
  }
}

/** Characters at the end that may be the beginning of the closing tag. */
function heldBack(text: string): number {
  for (let size = Math.min(CLOSE.length - 1, text.length); size > 0; size--)
    if (text.endsWith(CLOSE.slice(0, size))) return size;
  return 0;
}
