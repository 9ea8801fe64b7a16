import type { FinishReason } from '@mcp/contracts';

const CONNECTIVES =
  /\b(because|therefore|thus|hence|since|so that|however|although|but|first(ly)?|second(ly)?|third(ly)?|then|finally|for example|in contrast|as a result|if|unless)\b/gi;
const HEDGES = /\b(i think|maybe|perhaps|i'm not sure|i am not sure|as an ai|i cannot|i can't|possibly)\b/gi;

/**
 * Reasoning coherence in [0, 1] from what can be seen in the text (blueprint phase C, "heuristic keyword
 * density"): connectives, little repetition, a proper end, enough substance, few hedges. Deterministic.
 */
export function coherence(text: string, finish: FinishReason): number {
  const words = text.toLowerCase().match(/[\p{L}\p{N}']+/gu) ?? [];
  if (words.length === 0) return 0;
  const sentences = text.split(/[.!?]+\s|\n+/).filter((part) => part.trim() !== '').length;
  const connected = Math.min(1, (text.match(CONNECTIVES)?.length ?? 0) / Math.max(1, sentences) / 0.5);
  const varied = variety(words);
  const ended =
    finish.unified === 'stop' && /[.!?)\]}`"'*\d]\s*$/.test(text) ? 1 : finish.unified === 'stop' ? 0.7 : 0.2;
  const substance = Math.min(1, words.length / 25);
  const firm = 1 - Math.min(1, (text.match(HEDGES)?.length ?? 0) / Math.max(1, sentences));
  return clamp(0.25 * connected + 0.3 * varied + 0.2 * ended + 0.15 * substance + 0.1 * firm);
}

/** Share of distinct three-word runs: text that loops scores low. */
function variety(words: readonly string[]): number {
  if (words.length < 6) return 1;
  const runs = words.slice(2).map((word, i) => `${words[i]} ${words[i + 1]} ${word}`);
  return new Set(runs).size / runs.length;
}

function clamp(value: number): number {
  return Math.min(1, Math.max(0, value));
}
