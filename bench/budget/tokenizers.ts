/** The four vocabularies that the token budget is measured with, each as a function from text to a number of tokens. */
import { getLlama } from 'node-llama-cpp';

export interface Tokenizer {
  readonly name: string;
  /** Tokens of a text; those of a chat template are not in it. */
  readonly tokensOf: (text: string) => number;
}

/** Words whose tokens are remembered. */
const MAX_KNOWN = 500_000;
/** Before a space that a word follows; none of the four vocabularies has a token over such a place. */
const WORDS = /(?= \S)/u;

/** Texts whose tokens are remembered: those of a conversation are counted again and again. */
const MAX_TEXTS = 5000;

/** Counts by words, each of them once. */
function remembering(count: (text: string) => number): (text: string) => number {
  const known = new Map<string, number>();
  const texts = new Map<string, number>();
  return (text) => {
    const before = texts.get(text);
    if (before !== undefined) return before;
    let sum = 0;
    for (const word of text.split(WORDS)) {
      let tokens = known.get(word);
      if (tokens === undefined) {
        if (known.size >= MAX_KNOWN) known.clear();
        tokens = count(word);
        known.set(word, tokens);
      }
      sum += tokens;
    }
    if (texts.size >= MAX_TEXTS) texts.clear();
    texts.set(text, sum);
    return sum;
  };
}

/** Two of OpenAI's, and those of two GGUF files, of which only the vocabulary is loaded. */
export async function tokenizers(gguf: Readonly<Record<string, string>>): Promise<Tokenizer[]> {
  const o200k = await import('gpt-tokenizer/encoding/o200k_base');
  const cl100k = await import('gpt-tokenizer/encoding/cl100k_base');
  const plain = { disallowedSpecial: new Set<string>() };
  const llama = await getLlama({ gpu: false, build: 'never', skipDownload: true, progressLogs: false });
  const embedded = await Promise.all(
    Object.entries(gguf).map(async ([name, modelPath]): Promise<Tokenizer> => {
      const model = await llama.loadModel({ modelPath, vocabOnly: true });
      return {
        name,
        tokensOf: remembering((text) => model.tokenize(text, false, 'trimLeadingSpace').length),
      };
    }),
  );
  return [
    { name: 'o200k', tokensOf: remembering((text) => o200k.encode(text, plain).length) },
    { name: 'cl100k', tokensOf: remembering((text) => cl100k.encode(text, plain).length) },
    ...embedded,
  ];
}
