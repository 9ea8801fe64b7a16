/** Asks a model for one word and reads how sure it is from the probabilities of its tokens: a small model is no judge by its words. */
import type { ChatMessage, LogprobToken } from '@mcp/contracts';

const SYSTEM = 'Answer with one word: yes or no.';
/** Characters of each text that a judge is shown. */
const JUDGED_CHARS = 600;

/** Whether two claims exclude each other. */
export function contradictionQuestion(a: string, b: string): ChatMessage[] {
  return [
    { role: 'system', content: SYSTEM },
    { role: 'user', content: claims('The bridge opened in 1931.', 'The bridge opened in 1958.') },
    { role: 'assistant', content: 'yes' },
    { role: 'user', content: claims('The bridge opened in 1931.', 'The bridge is painted red.') },
    { role: 'assistant', content: 'no' },
    { role: 'user', content: claims(a, b) },
  ];
}

/** Whether an answer is sound. */
export function soundnessQuestion(question: string, answer: string): ChatMessage[] {
  return [
    { role: 'system', content: SYSTEM },
    {
      role: 'user',
      content: `Question: ${cut(question)}\n\nAnswer: ${cut(answer)}\n\nDoes the answer follow from sound reasoning, and does it answer the question?`,
    },
  ];
}

/** The probability of yes among yes and no, by the alternatives of the first token; undefined where neither is among them. */
export function yesOf(token: LogprobToken | undefined): number | undefined {
  const all = token === undefined ? [] : token.top_logprobs.length > 0 ? token.top_logprobs : [token];
  const sum = (word: RegExp) =>
    all.reduce((total, one) => (word.test(one.token) ? total + Math.exp(one.logprob) : total), 0);
  const yes = sum(/^\s*yes\b/i);
  const no = sum(/^\s*no\b/i);
  return yes + no === 0 ? undefined : yes / (yes + no);
}

function claims(a: string, b: string): string {
  return `A: ${cut(a)}\nB: ${cut(b)}\nDo A and B contradict each other?`;
}

function cut(text: string): string {
  return text.slice(0, JUDGED_CHARS).toWellFormed();
}
