/**
 * A replay of recorded steps. Steps before `at` are shown whole, step `at` shows its first `chars` characters;
 * `at` equal to the number of steps means that all is shown.
 */
export interface Replay {
  /** Characters of each step. */
  readonly lengths: readonly number[];
  readonly at: number;
  readonly chars: number;
  /** Time spent on the step that is whole already, before the next one comes. */
  readonly rested_ms: number;
  readonly playing: boolean;
  readonly speed: number;
}

export const SPEEDS = [0.5, 1, 2, 4] as const;

const CHARS_PER_S = 120;
const REST_MS = 500;

/** Everything shown, at rest. */
export function createReplay(lengths: readonly number[]): Replay {
  return { lengths, at: lengths.length, chars: 0, rested_ms: 0, playing: false, speed: 1 };
}

/** How many characters of a step are to be seen; null when it is not reached yet. */
export function shownChars(replay: Replay, step: number): number | null {
  if (step < replay.at) return replay.lengths[step] ?? 0;
  if (step > replay.at || step >= replay.lengths.length) return null;
  if (!replay.playing && replay.chars === 0) return null;
  return Math.floor(replay.chars);
}

/** Play and pause; from the end it plays from the beginning. */
export function togglePlay(replay: Replay): Replay {
  if (replay.playing) return { ...replay, playing: false };
  const ended = replay.at >= replay.lengths.length;
  return { ...(ended ? moveTo(replay, 0) : replay), playing: replay.lengths.length > 0 };
}

/** Goes to where `at` steps are shown whole, within bounds; stops playing. */
export function moveTo(replay: Replay, at: number): Replay {
  const bounded = Math.max(0, Math.min(replay.lengths.length, Math.trunc(at)));
  return { ...replay, at: bounded, chars: 0, rested_ms: 0, playing: false };
}

/** Lets time pass. Text appears at a reading pace times the speed; `instant` shows each step at once instead. */
export function advance(replay: Replay, elapsed_ms: number, instant = false): Replay {
  if (!replay.playing || elapsed_ms <= 0) return replay;
  let { at, chars, rested_ms } = replay;
  let left_ms = elapsed_ms * replay.speed;
  while (left_ms > 0 && at < replay.lengths.length) {
    const length = replay.lengths[at] ?? 0;
    if (instant) chars = length;
    if (chars < length) {
      const needed_ms = ((length - chars) / CHARS_PER_S) * 1000;
      const used_ms = Math.min(left_ms, needed_ms);
      chars = used_ms === needed_ms ? length : chars + (used_ms / 1000) * CHARS_PER_S;
      left_ms -= used_ms;
    } else {
      const used_ms = Math.min(left_ms, REST_MS - rested_ms);
      rested_ms += used_ms;
      left_ms -= used_ms;
      if (rested_ms >= REST_MS) {
        at += 1;
        chars = 0;
        rested_ms = 0;
      }
    }
  }
  return { ...replay, at, chars, rested_ms, playing: at < replay.lengths.length };
}
