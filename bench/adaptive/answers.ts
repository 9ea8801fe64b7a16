/** Recorded answers to the golden set. */
import { readFileSync } from 'node:fs';
import type { ChatMessage } from '@mcp/contracts';
import { z } from 'zod';
import type { Item } from './golden.ts';

const Row = z.object({
  id: z.string(),
  model: z.string(),
  weights_sha256: z.string(),
  text: z.string(),
  finish: z.string(),
  input_tokens: z.number(),
  output_tokens: z.number(),
  /** Of each token of the text. */
  logprobs: z.array(z.number()),
  duration_ms: z.number(),
});
export type Row = z.infer<typeof Row>;

export function readRows(file: string): Row[] {
  return readFileSync(file, 'utf8')
    .split('\n')
    .filter((line) => line !== '')
    .map((line) => Row.parse(JSON.parse(line)));
}

export function messagesOf({ question }: Item): ChatMessage[] {
  return [
    { role: 'system', content: 'You are a helpful assistant. Answer in as few words as you can.' },
    { role: 'user', content: question },
  ];
}
