/** The personal data of one request: what is asked without it, what is answered without it or with it put back. */
import { type ModelEvent, type PiiAction, PlatformError } from '@mcp/contracts';
import { mapTexts, type TextPlace } from './body.ts';
import { privateEvents } from './events.ts';
import type { PiiKind } from './kinds.ts';
import type { PiiPolicy } from './policy.ts';
import { Pseudonyms } from './pseudonyms.ts';
import { type RedactOptions, redacted } from './redact.ts';
import { Restorer, restored } from './restore.ts';

/** Places that a refusal names at most. */
const MAX_PLACES = 8;

export interface SessionOptions {
  /** One that acts. */
  readonly action: PiiAction;
  readonly policy: Pick<PiiPolicy, 'kinds' | 'allow'>;
  /** Told of each value that was found: in what was asked, or in what was answered. */
  readonly onFound?: (kind: PiiKind, phase: 'asked' | 'answered') => void;
}

export class PiiSession {
  readonly action: PiiAction;
  readonly pseudonyms = new Pseudonyms();
  readonly #found = new Map<PiiKind, number>();
  readonly #onFound: NonNullable<SessionOptions['onFound']>;
  readonly #options: RedactOptions;

  constructor({ action, policy, onFound = () => undefined }: SessionOptions) {
    this.action = action;
    this.#onFound = onFound;
    this.#options = {
      kinds: new Set(policy.kinds),
      allow: new Set(policy.allow.map((text) => text.toLowerCase())),
      pseudonyms: this.pseudonyms,
    };
  }

  /** What is asked, as others may see it. Throws `content_filter` where it may not be sent at all. */
  asked<T>(body: T): T {
    const places = new Map<string, Set<PiiKind>>();
    const out = mapTexts(body, (text, place) => {
      this.pseudonyms.reserve(text);
      return this.#replaced(text, place, (kind) => {
        this.#note(kind, 'asked');
        places.set(place.at, (places.get(place.at) ?? new Set()).add(kind));
      });
    });
    if (this.action === 'block' && places.size > 0) throw refusal(places);
    return out;
  }

  /** What was answered, as it is stored: whatever the client was given back, it has names alone. */
  stored<T>(answer: T): T {
    return mapTexts(answer, (text, place) => this.#replaced(text, place, () => undefined));
  }

  /** What a model says, as the client may see it; `json`: its text is JSON. */
  events(events: AsyncIterable<ModelEvent>, { json }: { readonly json: boolean }): AsyncIterable<ModelEvent> {
    const redact = { ...this.#options, onFound: (kind: PiiKind) => this.#note(kind, 'answered') };
    return privateEvents(events, { json, action: this.action, pseudonyms: this.pseudonyms, redact });
  }

  /** A text that comes in pieces, with the values whose names are in it. */
  restorer(): Pick<Restorer, 'push' | 'end'> {
    return new Restorer(this.pseudonyms, { json: false });
  }

  /** The same of all texts of something. */
  restored<T>(said: T): T {
    return mapTexts(said, (text, { json }) => restored(text, this.pseudonyms, { json }));
  }

  /** What was done and found by now, as the value of a header: `redact; email=2; person=1`. */
  get header(): string {
    return [this.action, ...[...this.#found].map(([kind, count]) => `${kind}=${count}`)].join('; ');
  }

  /** Values that are known are found wherever they stand, others by what they look like. */
  #replaced(text: string, { json }: TextPlace, onFound: (kind: PiiKind) => void): string {
    const { pseudonyms } = this;
    const known = json ? pseudonyms.replacedInJson(text, onFound) : pseudonyms.replaced(text, onFound);
    return redacted(known, { ...this.#options, json, onFound });
  }

  #note(kind: PiiKind, phase: 'asked' | 'answered'): void {
    this.#found.set(kind, (this.#found.get(kind) ?? 0) + 1);
    this.#onFound(kind, phase);
  }
}

/** Says where and of what kind, never what. */
function refusal(places: ReadonlyMap<string, ReadonlySet<PiiKind>>): PlatformError {
  const [first = ''] = places.keys();
  const named = [...places].slice(0, MAX_PLACES).map(([at, kinds]) => `${at} (${[...kinds].join(', ')})`);
  const more = places.size > MAX_PLACES ? ` and ${places.size - MAX_PLACES} more places` : '';
  return new PlatformError(
    'content_filter',
    `${first}: no personal data is let through here, and there is some in ${named.join(', ')}${more}. Leave it out; an operator decides what becomes of it with MCP_PII, and what is nobody's with its allow.`,
    { param: first },
  );
}
