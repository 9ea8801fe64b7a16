/** What `generate` and `generate_stream` answer, as events. */
import type { FinishReason, ModelEvent } from '@mcp/contracts';
import { type EventReader, errorFromBody, readFinish } from '@mcp/wire';
import { z } from 'zod';
import { readAnswer } from '../read-answer.ts';

const one = <S extends z.ZodType>(schema: S) =>
  z.union([
    schema,
    z
      .array(schema)
      .min(1)
      .transform(([first]) => first as z.output<S>),
  ]);
const Answer = z.object({
  model_name: z.string(),
  text_output: one(z.string()),
  finish_reason: one(z.string()).optional(),
  num_input_tokens: one(z.number().int().nonnegative()).optional(),
  num_output_tokens: one(z.number().int().nonnegative()).optional(),
});

export class TritonReader implements EventReader {
  readonly events: ModelEvent[] = [];
  /** Its streams have no last event. */
  readonly ended = false;
  readonly #told: boolean;
  #finish: FinishReason | undefined;
  #input_tokens: number | undefined;
  #output_tokens = 0;

  /** `told`: the model says why an answer ends; of another one nobody can say whether it is whole. */
  constructor({ id, told }: { readonly id: string; readonly told: boolean }) {
    this.#told = told;
    const created_s = Math.floor(Date.now() / 1000);
    this.events.push({ type: 'start', id, model: '', backend: 'triton', created_s });
  }

  get complete(): boolean {
    return !this.#told || this.#finish !== undefined;
  }

  read(json: unknown): void {
    const failure = errorFromBody(json);
    if (failure !== undefined) throw failure;
    const data = readAnswer(Answer, json, 'Triton sent an answer that cannot be read.');
    if (data.text_output !== '') this.events.push({ type: 'text', choice: 0, text: data.text_output });
    this.#input_tokens = data.num_input_tokens ?? this.#input_tokens;
    this.#output_tokens += data.num_output_tokens ?? 0;
    const raw = data.finish_reason;
    if (raw !== undefined && raw !== '' && raw !== 'None') this.#finish = readFinish(raw);
  }

  end(): void {
    const reason = this.#finish ?? {
      unified: this.#told ? ('other' as const) : ('stop' as const),
      raw: null,
    };
    this.events.push({ type: 'finish', choice: 0, reason });
    if (this.#input_tokens === undefined) return;
    const usage = { input_tokens: this.#input_tokens, output_tokens: this.#output_tokens };
    this.events.push({ type: 'usage', usage });
  }
}
