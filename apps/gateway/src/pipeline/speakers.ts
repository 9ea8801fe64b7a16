interface Speaker {
  readonly step: string;
  readonly participant: string;
  held: string;
  ended: boolean;
}

/**
 * Texts of turns that are written at once, put one after the other: the turn that began first is passed on as it comes,
 * those that began later are held until it has ended. Each method returns what can be passed on by now.
 */
export class Speakers {
  readonly #waiting: Speaker[] = [];
  #silent = true;

  /** A turn begins, or is tried again: then its text is begun anew. */
  begin({ step, participant }: Pick<Speaker, 'step' | 'participant'>, head: string): string {
    if (!this.#waiting.some((one) => one.step === step))
      this.#waiting.push({ step, participant, held: '', ended: false });
    const apart = this.#silent ? '' : '\n\n';
    this.#silent = false;
    return this.say(step, `${apart}${head}`);
  }

  say(step: string, text: string): string {
    const speaker = this.#waiting.find((one) => one.step === step);
    if (speaker === undefined) return '';
    if (speaker === this.#waiting[0]) return text;
    speaker.held += text;
    return '';
  }

  /** A turn has ended, or a participant says no more. */
  end(who: { readonly step: string } | { readonly participant: string }): string {
    for (const speaker of this.#waiting)
      if ('step' in who ? speaker.step === who.step : speaker.participant === who.participant)
        speaker.ended = true;
    let text = '';
    while (this.#waiting[0]?.ended === true) {
      this.#waiting.shift();
      const [next] = this.#waiting;
      if (next === undefined) break;
      text += next.held;
      next.held = '';
    }
    return text;
  }

  /** Nothing more is said. */
  rest(): string {
    const text = this.#waiting.map(({ held }) => held).join('');
    this.#waiting.length = 0;
    return text;
  }
}
