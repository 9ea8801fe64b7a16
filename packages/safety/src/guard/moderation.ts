/** What is waited for: the classifier where it blocks, and a moderation API or a guard model that speaks OpenAI's moderation, where an operator names one. */
import {
  type CallContext,
  type ChatMessage,
  type ModelEvent,
  mayBeAt,
  PlatformError,
  placesOf,
  type Residency,
  type ResidencyRules,
  type SafetySeverity,
  textOf,
} from '@mcp/contracts';
import { z } from 'zod';
import { CATEGORIES, CATEGORY_NAMES, type SafetyCategory } from '../categories.ts';
import { noteHarm } from './harm.ts';
import { actionFor, type Findings, type SafetyPolicy } from './policy.ts';

const TIMEOUT_MS = 5000;
/** Characters of a text that are sent at once, at most. */
const MAX_CHARS = 20_000;
/** Characters of an answer that are asked about at once, and how many of those before stand in front of them. */
const WINDOW_CHARS = 800;
const OVERLAP_CHARS = 200;
const SEVERE_SCORE = 0.8;
const RETRY_AFTER_MS = 2000;

export interface ModerationOptions {
  /** Base URL, to which `/moderations` is added. */
  readonly url: string;
  readonly key: string | undefined;
  readonly model: string;
  /** `closed`: what cannot be asked about does not go on. */
  readonly on_failure: 'closed' | 'open';
  /** Where it processes texts; undefined: not known. */
  readonly residency?: Residency | undefined;
  /** Where texts must stay. */
  readonly rules?: ResidencyRules | undefined;
  readonly onFailure: (error: unknown) => void;
}

interface Found {
  readonly category: SafetyCategory;
  readonly severity: SafetySeverity;
  readonly score: number;
}

const Answer = z.object({
  results: z
    .array(
      z.object({
        categories: z.record(z.string(), z.boolean()),
        category_scores: z.record(z.string(), z.number()),
      }),
    )
    .min(1),
});

export class Moderator {
  readonly #options: ModerationOptions;

  constructor(options: ModerationOptions) {
    this.#options = options;
  }

  /** Throws `wrong_region` where the text of a call may not be sent there: then it may not go on without, either. */
  assertMay(call: CallContext): void {
    const { residency, rules = { callers: {} } } = this.#options;
    const places = placesOf(rules, call);
    if (mayBeAt(residency, places)) return;
    throw new PlatformError(
      'wrong_region',
      `Where the moderation of this platform processes texts is ${residency ?? 'not known'}, and this one must stay in ${places.map((list) => list.join(' or ')).join(', ')} (the header x-mcp-residency, or MODEL_RESIDENCY of the operator). Nothing was sent. An operator says where it is with MCP_MODERATION_RESIDENCY.`,
    );
  }

  /** What is found in a text. Throws `unavailable` where the server does not say, and nothing may go on without. */
  async ask(text: string): Promise<readonly Found[]> {
    try {
      return await this.#ask(text);
    } catch (cause) {
      this.#options.onFailure(cause);
      if (this.#options.on_failure === 'open') return [];
      throw new PlatformError(
        'unavailable',
        'The moderation of this platform does not answer, and nothing goes on without it. Try again; an operator may let texts pass meanwhile with MCP_MODERATION_ON_FAILURE=open.',
        { cause, retry_after_ms: RETRY_AFTER_MS },
      );
    }
  }

  async #ask(text: string): Promise<readonly Found[]> {
    const { url, key, model } = this.#options;
    const response = await fetch(`${url.replace(/\/$/, '')}/moderations`, {
      method: 'POST',
      headers: {
        'content-type': 'application/json',
        ...(key === undefined ? {} : { authorization: `Bearer ${key}` }),
      },
      body: JSON.stringify({ model, input: text.slice(0, MAX_CHARS).toWellFormed() }),
      signal: AbortSignal.timeout(TIMEOUT_MS),
    });
    if (!response.ok) {
      await response.body?.cancel();
      throw new Error(`the moderation answered ${response.status}`);
    }
    const { results } = Answer.parse(await response.json());
    return results.flatMap(({ categories, category_scores }) =>
      Object.entries(categories).flatMap(([name, flagged]): Found[] => {
        const category = nearest(name);
        if (!flagged || category === undefined) return [];
        const score = Math.min(1, Math.max(0, category_scores[name] ?? 0));
        return [{ category, severity: score >= SEVERE_SCORE ? 'severe' : 'moderate', score }];
      }),
    );
  }
}

/** Our category that says nothing but what OpenAI's does, or the one that says least beside it. */
function nearest(name: string): SafetyCategory | undefined {
  const names = (category: SafetyCategory): readonly string[] => CATEGORIES[category].openai;
  return CATEGORY_NAMES.filter((category) => names(category).includes(name)).sort(
    (a, b) => names(a).length - names(b).length,
  )[0];
}

/** Throws `wrong_region` where texts of a call would be moderated where they may not be. */
export function assertModerable({ policy, moderator }: Stage, call: CallContext): void {
  if (policy.mode !== 'off') moderator?.assertMay(call);
}

interface Stage {
  readonly policy: SafetyPolicy;
  readonly moderator: Moderator | undefined;
}

/** Asks about the newest question. Throws `content_filter` where it is refused, `unavailable` where nobody can say. */
export async function moderateQuestion(
  stage: Stage,
  messages: readonly ChatMessage[],
  findings: Findings,
): Promise<void> {
  const asked = messages.findLast(({ role }) => role === 'user');
  if (asked === undefined) return;
  const text = textOf(asked.content, { picture: () => '' });
  if (classifierBlocks(stage, { text, tier: 'input' }, findings))
    throw new PlatformError(
      'content_filter',
      'messages: the safety classifier of this platform refuses the question. Ask it in another way; an operator may let it pass with MCP_SAFETY_CLASSIFIER=flag.',
      { param: 'messages' },
    );
  if (!(await moderatorBlocks(stage, { text, tier: 'input' }, findings))) return;
  throw new PlatformError(
    'content_filter',
    'messages: the moderation of this platform refuses the question. Ask it in another way.',
    { param: 'messages' },
  );
}

/** The events of a model, in pieces that the moderation lets pass. A blocked one ends with `content_filter`. */
export async function* moderateEvents(
  stage: Stage,
  events: AsyncIterable<ModelEvent>,
  findings: Findings,
): AsyncGenerator<ModelEvent> {
  let waiting: ModelEvent[] = [];
  let before = '';
  let text = '';
  const open = new Set<number>();
  const passes = async (): Promise<boolean> => {
    const asked = before + text;
    const said = { text: asked, tier: 'output' } as const;
    if (text.trim() !== '' && classifierBlocks(stage, said, findings)) return false;
    if (text.trim() !== '' && (await moderatorBlocks(stage, said, findings))) return false;
    before = asked.slice(-OVERLAP_CHARS);
    text = '';
    return true;
  };
  for await (const event of events) {
    waiting.push(event);
    if (event.type === 'text' || event.type === 'reasoning') text += event.text;
    if (event.type === 'tool_call') text += event.arguments_delta;
    if ('choice' in event && event.type !== 'finish') open.add(event.choice);
    if (event.type !== 'start' && event.type !== 'finish' && text.length < WINDOW_CHARS) continue;
    if (!(await passes())) {
      for (const choice of open)
        yield { type: 'finish', choice, reason: { unified: 'content_filter', raw: null } };
      return;
    }
    if (event.type === 'finish') open.delete(event.choice);
    yield* waiting;
    waiting = [];
  }
  if (await passes()) yield* waiting;
}

/** Whether the classifier blocks a text, where the policy has it block. */
function classifierBlocks({ policy }: Stage, said: Said, findings: Findings): boolean {
  return policy.classifier === 'block' && noteHarm({ policy }, said, findings);
}

interface Said {
  readonly text: string;
  readonly tier: 'input' | 'output';
}

async function moderatorBlocks(
  { policy, moderator }: Stage,
  { text, tier }: Said,
  findings: Findings,
): Promise<boolean> {
  if (moderator === undefined || policy.mode === 'off' || text.trim() === '') return false;
  let blocked = false;
  for (const { category, severity, score } of await moderator.ask(text)) {
    if (policy.allow.categories.includes(category)) continue;
    const wanted = actionFor(policy, { severity, tier });
    // A moderation does not say where a text breaks its rules: there is nothing to redact.
    const action = wanted === 'redacted' ? 'flagged' : wanted;
    findings.add({ category, severity, tier, stage: 'moderation', score }, action);
    blocked ||= action === 'blocked';
  }
  return blocked;
}
