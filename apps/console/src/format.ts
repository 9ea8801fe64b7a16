const dateTime = new Intl.DateTimeFormat(undefined, { dateStyle: 'medium', timeStyle: 'short' });
const time = new Intl.DateTimeFormat(undefined, { timeStyle: 'medium' });
const whole = new Intl.NumberFormat('en', { maximumFractionDigits: 0 });

/** A date a person reads; the input itself when it is none. */
export function formatDateTime(iso: string): string {
  const at = new Date(iso);
  return Number.isNaN(at.getTime()) ? iso : dateTime.format(at);
}

export function formatTime(iso: string): string {
  const at = new Date(iso);
  return Number.isNaN(at.getTime()) ? iso : time.format(at);
}

/** `3 min ago`; the date once it is older than a day. */
export function formatAge(iso: string, now_ms: number): string {
  const age_s = Math.max(0, (now_ms - Date.parse(iso)) / 1000);
  if (Number.isNaN(age_s)) return iso;
  if (age_s < 45) return 'just now';
  if (age_s < 3600) return `${Math.max(1, Math.round(age_s / 60))} min ago`;
  if (age_s < 86_400) return `${Math.round(age_s / 3600)} h ago`;
  return formatDateTime(iso);
}

/** `1.2 ms`, `340 ms`, `2.41 s`, `1 min 5 s`. */
export function formatDuration(duration_ms: number): string {
  if (!Number.isFinite(duration_ms)) return '–';
  if (duration_ms < 10) return `${duration_ms.toFixed(duration_ms < 1 ? 2 : 1)} ms`;
  if (duration_ms < 1000) return `${Math.round(duration_ms)} ms`;
  if (duration_ms < 60_000) return `${(duration_ms / 1000).toFixed(2)} s`;
  const total_s = Math.round(duration_ms / 1000);
  return `${Math.floor(total_s / 60)} min ${total_s % 60} s`;
}

export function formatCount(value: number): string {
  return whole.format(value);
}

/** A score in [0, 1] with two digits. */
export function formatScore(value: number): string {
  return value.toFixed(2);
}

/** `1 turn`, `2 turns`. */
export function plural(count: number, word: string): string {
  return `${formatCount(count)} ${word}${count === 1 ? '' : 's'}`;
}

/** First characters of a hash or id, enough to recognise it. */
export function short(id: string, length = 8): string {
  return id.length > length ? id.slice(0, length) : id;
}

/** `a`, `a and b`, `a, b and c`. */
export function listed(words: readonly string[]): string {
  return new Intl.ListFormat('en-GB').format(words);
}
