/** Grammars that hold what a model writes to a JSON schema. */

import { PlatformError } from '@mcp/contracts';
import type { Llama, LlamaGrammar } from 'node-llama-cpp';
import { type SchemaOptions, toGrammarSchema } from './schema.ts';

/** Throws `unsupported_parameter` when no grammar can be made of the schema. */
export async function grammarOf(
  llama: Llama,
  schema: Readonly<Record<string, unknown>>,
  options: SchemaOptions,
): Promise<LlamaGrammar> {
  const wanted = toGrammarSchema(schema, options);
  try {
    // The library checks the schema itself; its type wants a literal.
    return await llama.createGrammarForJsonSchema(wanted as { readonly type: 'object' });
  } catch (cause) {
    throw new PlatformError(
      'unsupported_parameter',
      `${options.param}: no grammar can be made of this JSON schema. Simplify it: fewer levels, shorter lengths.`,
      { param: options.param, cause },
    );
  }
}
