/** A public trace of requests to language models, as arrivals with tokens, a caller and a class. */
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import type { QueueClass } from '@mcp/contracts';
import { mulberry32 } from '../stats.ts';

export interface Arrival {
  readonly at_ms: number;
  readonly input_tokens: number;
  readonly output_tokens: number;
  readonly who: string;
  readonly class: QueueClass;
}

const CALLERS = 12;
/** Share of the requests that are batch work; the trace does not say which are. */
const BATCH = 0.3;

/**
 * Arrival times and token counts of the Azure LLM inference trace 2023 (CC-BY-4.0, Azure Public Dataset): both files
 * in one line by time. Callers and classes are not in it: callers are drawn by Zipf's law (the first has a third of
 * all requests), and three of ten requests are batch work. Seeded.
 */
export function readTrace(folder: string): Arrival[] {
  const random = mulberry32(2023);
  const weights = Array.from({ length: CALLERS }, (_, at) => 1 / (at + 1));
  const total = weights.reduce((sum, weight) => sum + weight, 0);
  const caller = () => {
    let rest = random() * total;
    return `caller-${Math.max(
      0,
      weights.findIndex((weight) => {
        rest -= weight;
        return rest < 0;
      }),
    )}`;
  };
  const rows = ['AzureLLMInferenceTrace_conv.csv', 'AzureLLMInferenceTrace_code.csv'].flatMap((file) =>
    readFileSync(join(folder, file), 'utf8').trim().split('\n').slice(1).map(rowOf),
  );
  rows.sort((a, b) => a.at_ms - b.at_ms);
  const first_ms = rows[0]?.at_ms ?? 0;
  return rows.map((row) => ({
    ...row,
    at_ms: row.at_ms - first_ms,
    who: caller(),
    class: random() < BATCH ? 'batch' : 'interactive',
  }));
}

function rowOf(line: string): Pick<Arrival, 'at_ms' | 'input_tokens' | 'output_tokens'> {
  const [time = '', input, output] = line.trim().split(',');
  // Seven digits after the second are more than Date reads.
  const at_ms = Date.parse(`${time.slice(0, 23).replace(' ', 'T')}Z`);
  return { at_ms, input_tokens: Number(input), output_tokens: Number(output) };
}
