/** How participants are told apart on the screen: each has a short name and a tone, the same on every page. */
import type { Participant } from '@mcp/contracts';

const TONES = ['a', 'b', 'c', 'd', 'e', 'f', 'g', 'h'] as const;
type Tone = (typeof TONES)[number];

type Participants = readonly Pick<Participant, 'id'>[];

/** What the participant at this place is called where nobody calls it otherwise: modelA, modelB … modelH. */
export function defaultId(at: number): string {
  return `model${String.fromCharCode(65 + at)}`;
}

/** `A` for modelA, as the form calls it; others by the id that they were given. */
export function labelOf(id: string): string {
  return /^model([A-H])$/.exec(id)?.[1] ?? id;
}

/** A participant's tone by its place among all; of one that is not among them, the first. */
export function toneOf(id: string, participants: Participants): Tone {
  return toneAt(participants.findIndex((one) => one.id === id));
}

export function toneAt(at: number): Tone {
  return TONES[at] ?? TONES[0];
}

/** How turns are laid out: side by side while there is room for that, else one below the other. */
export function columnsOf(participants: Participants): 1 | 2 | 3 {
  switch (participants.length) {
    case 2:
      return 2;
    case 3:
      return 3;
    default:
      return 1;
  }
}
