/** One message of a server-sent event stream. */
export interface SseMessage {
  readonly event: string;
  readonly id: string | null;
  readonly data: string;
}

/** A single event larger than this is a fault of the sender, not an answer. */
const MAX_EVENT_CHARS = 4 * 1024 * 1024;

/**
 * Incremental parser of `text/event-stream` (WHATWG HTML, "Parsing an event stream"): give it decoded text in pieces
 * cut anywhere, get whole messages back. Throws RangeError when one message grows beyond 4 MiB.
 */
export function createSseParser(): (piece: string) => readonly SseMessage[] {
  let rest = '';
  let event = '';
  let id: string | null = null;
  let data: string[] = [];
  let data_chars = 0;

  const takeLine = (line: string, out: SseMessage[]): void => {
    if (line === '') {
      if (data.length > 0) out.push({ event: event === '' ? 'message' : event, id, data: data.join('\n') });
      event = '';
      data = [];
      data_chars = 0;
      return;
    }
    const colon = line.indexOf(':');
    if (colon === 0) return;
    const field = colon < 0 ? line : line.slice(0, colon);
    const value = colon < 0 ? '' : line.slice(colon + (line[colon + 1] === ' ' ? 2 : 1));
    if (field === 'event') event = value;
    else if (field === 'id' && !value.includes('\0')) id = value;
    else if (field === 'data') {
      data.push(value);
      data_chars += value.length;
    }
  };

  return (piece) => {
    rest += piece;
    const out: SseMessage[] = [];
    let from = 0;
    while (from < rest.length) {
      const end = lineEnd(rest, from);
      if (end === null) break;
      takeLine(rest.slice(from, end.at), out);
      from = end.next;
    }
    rest = rest.slice(from);
    if (rest.length + data_chars > MAX_EVENT_CHARS)
      throw new RangeError(`One event is longer than ${MAX_EVENT_CHARS} characters.`);
    return out;
  };
}

/** Where the line ends and the next begins; null while a CR at the very end may still be half of a CRLF. */
function lineEnd(text: string, from: number): { readonly at: number; readonly next: number } | null {
  for (let at = from; at < text.length; at++) {
    const char = text[at];
    if (char === '\n') return { at, next: at + 1 };
    if (char === '\r') {
      if (at + 1 === text.length) return null;
      return { at, next: text[at + 1] === '\n' ? at + 2 : at + 1 };
    }
  }
  return null;
}
