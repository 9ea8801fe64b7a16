/** What the schemas of OpenAI's and Anthropic's wires share: fields that are ignored, names, repetitions. */
import { z } from 'zod';

/**
 * Fields that today's clients send and that change no answer here, by wire and by where they stand: hints for a cache,
 * and what an answer of another server carries back. They may hold anything and go no further; the answer's header
 * `x-mcp-ignored-fields` names them.
 */
export const IGNORED_FIELDS = {
  openai: {
    request: ['prediction', 'prompt_cache_options', 'prompt_cache_retention'],
    message: ['cache_control'],
    'assistant message': ['annotations'],
    'tool message': ['name'],
    'content part': ['cache_control', 'prompt_cache_breakpoint'],
    tool: ['cache_control'],
    function: ['cache_control'],
    'completion of a prompt': ['best_of'],
  },
  responses: {
    request: ['prompt_cache_options', 'prompt_cache_retention'],
    message: ['phase'],
    input: ['prompt_cache_breakpoint'],
    'output text': ['annotations', 'logprobs', 'parsed'],
    'function call': ['async', 'caller', 'namespace', 'parsed_arguments'],
    'function call output': ['caller', 'name', 'namespace'],
    tool: ['allowed_callers', 'async', 'defer_loading', 'output_schema'],
    reasoning: ['context', 'generate_summary', 'mode'],
  },
  anthropic: {
    request: ['cache_control', 'context_management', 'diagnostics', 'speed'],
    'message request': ['service_tier'],
    'text block': ['cache_control', 'citations'],
    block: ['cache_control'],
    'tool call': ['cache_control', 'caller'],
    tool: ['allowed_callers', 'cache_control', 'defer_loading', 'eager_input_streaming', 'input_examples'],
    thinking: ['display'],
    'output config': ['effort', 'task_budget'],
  },
} as const;
type Wires = typeof IGNORED_FIELDS;

/** A field that may hold anything and goes no further. Its key stays, without a value, in what was parsed. */
const nothing = z
  .unknown()
  .transform(() => undefined)
  .optional()
  .describe('Ignored: x-mcp-ignored-fields names it.');

type Fields<List> = List extends readonly (infer Field extends string)[]
  ? Record<Field, typeof nothing>
  : never;

/** The fields that are ignored in a place of a wire, for its schema. */
export function ignored<W extends keyof Wires, P extends keyof Wires[W]>(
  wire: W,
  place: P,
): Fields<Wires[W][P]> {
  const names = IGNORED_FIELDS[wire][place] as readonly string[];
  return Object.fromEntries(names.map((field) => [field, nothing])) as Fields<Wires[W][P]>;
}

/** Name of a function, a schema or a speaker, as OpenAI and Anthropic have it. */
export const WireName = z.string().regex(/^[a-zA-Z0-9_-]{1,64}$/, 'must be 1 to 64 letters, digits, _ or -');

/** Where a name stands that stood before; -1 where each is another. */
export function repeatedAt(names: readonly string[]): number {
  return names.findIndex((name, at) => names.indexOf(name) !== at);
}

/**
 * A list of at least one and at most `max` items. A longer one is refused before its items are looked at: in a union
 * each wrong item is an issue of every branch.
 */
export function listOf<S extends z.ZodType>(item: S, max: number) {
  return z.preprocess((value, context) => {
    if (!Array.isArray(value) || value.length <= max) return value;
    context.addIssue({ code: 'too_big', origin: 'array', maximum: max, inclusive: true, input: value });
    return z.NEVER;
  }, z.array(item).min(1).max(max));
}

/** A field of the wire that means something elsewhere and nothing here: it is refused with the way out. */
export function notOffered(way_out: string) {
  return z.null({ error: `is not offered: ${way_out}` }).optional();
}
