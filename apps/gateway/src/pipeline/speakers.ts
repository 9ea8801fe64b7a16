interface Speaker {
  readonly step: string;
  readonly participant: string;
  readonly head: string;
  held: string;
  /** Something was said in this attempt. */
  spoke: boolean;
  ended: boolean;
}

/** Stands before the text of another attempt where one has been passed on in part already. */
const AGAIN = '\n[again]\n';

/**
 * Texts of turns that are written at once, put one after the other: the turn that began first is passed on as it comes,
 * those that began later are held until it has ended. Each method returns what can be passed on by now.
 */
export class Speakers {
  readonly #waiting: Speaker[] = [];
  #silent = true;

  /** A turn begins, or is tried again: then its text is begun anew, and its head stands once. */
  begin({ step, participant }: Pick<Speaker, 'step' | 'participant'>, head: string): string {
    const known = this.#waiting.find((one) => one.step === step);
    if (known !== undefined) return this.#again(known);
    const apart = this.#silent ? '' : '\n\n';
    this.#silent = false;
    const speaker = { step, participant, head: apart + head, held: '', spoke: false, ended: false };
    this.#waiting.push(speaker);
    return this.#pass(speaker, speaker.head);
  }

  say(step: string, text: string): string {
    const speaker = this.#waiting.find((one) => one.step === step);
    if (speaker === undefined) return '';
    speaker.spoke ||= text !== '';
    return this.#pass(speaker, text);
  }

  #again(speaker: Speaker): string {
    const { spoke } = speaker;
    speaker.spoke = false;
    if (speaker === this.#waiting[0]) return spoke ? AGAIN : '';
    speaker.held = speaker.head;
    return '';
  }

  #pass(speaker: Speaker, text: string): string {
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
