/** The four vocabularies that the token budget is measured with, each as a function from text to a number of tokens. */
import { getLlama } from 'node-llama-cpp';

export interface Tokenizer {
  readonly name: string;
  /** Tokens of a text; those of a chat template are not in it. */
  readonly tokensOf: (text: string) => number;
}

/** Texts whose tokens are remembered: a message comes again in every turn after it. */
const MAX_KNOWN = 50_000;

function remembering(count: (text: string) => number): (text: string) => number {
  const known = new Map<string, number>();
  return (text) => {
    const before = known.get(text);
    if (before !== undefined) return before;
    if (known.size >= MAX_KNOWN) known.clear();
    const tokens = count(text);
    known.set(text, tokens);
    return tokens;
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
