/** The characters that JSON stands for, as its text comes in pieces: an escape must not hide what it says. */
export class JsonText {
  #escape = '';

  push(piece: string): string {
    if (this.#escape === '' && !piece.includes('\\')) return piece;
    let out = '';
    for (const char of piece) out += this.#next(char);
    return out;
  }

  #next(char: string): string {
    if (this.#escape === '') {
      if (char !== '\\') return char;
      this.#escape = char;
      return '';
    }
    this.#escape += char;
    if (this.#escape[1] === 'u' && this.#escape.length < 6) return '';
    const whole = this.#escape;
    this.#escape = '';
    if (whole[1] === 'u') {
      const code = Number.parseInt(whole.slice(2), 16);
      return Number.isNaN(code) ? ' ' : String.fromCharCode(code);
    }
    return 'nrtbf'.includes(char) ? ' ' : char;
  }
}
