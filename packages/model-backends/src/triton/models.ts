/** The models of a Triton server, however it is asked: which of them take one text, and what each is described as. */
import { PlatformError } from '@mcp/contracts';
import { z } from 'zod';
import type { ListedModel } from '../facts.ts';
import { SELF_HOSTED } from '../self-hosted.ts';

const Tensors = z.array(
  z.object({
    name: z.string(),
    datatype: z.string(),
    /** -1 where a size is the request's. */
    shape: z.array(z.number().int()).catch([]),
  }),
);
export const Metadata = z.object({ inputs: Tensors, outputs: Tensors });
export type Metadata = z.infer<typeof Metadata>;

/** What one server tells of its models. */
export interface Repository {
  /** Names of the models that it has loaded. */
  ready(signal: AbortSignal): Promise<readonly string[]>;
  /** Undefined where it has no such model, or tells nothing of it. Throws `unavailable` where it says: not now. */
  describe(name: string, signal: AbortSignal): Promise<Metadata | undefined>;
}

export class TritonModels {
  readonly #repository: Repository;
  readonly #names: readonly string[] | undefined;
  /** What the models that were last listed take and give. */
  #metadata = new Map<string, Metadata>();

  /** `names`: the models that are offered; undefined, those that the server has loaded. */
  constructor(repository: Repository, names: readonly string[] | undefined) {
    this.#repository = repository;
    this.#names = names;
  }

  /** Those models that take one text, and give text or a vector. */
  async list(signal: AbortSignal): Promise<readonly ListedModel[]> {
    const names = this.#names ?? (await this.#repository.ready(signal));
    const described = await Promise.all(
      names.map(
        async (name) => [name, await this.#repository.describe(name, signal).catch(unloaded)] as const,
      ),
    );
    this.#metadata = new Map(described.flatMap(([name, one]) => (one === undefined ? [] : [[name, one]])));
    return [...this.#metadata].flatMap(([id, metadata]): ListedModel[] => {
      if (isChat(metadata)) return [{ ...SELF_HOSTED, id, kind: 'chat', capabilities: [] }];
      return textInput(metadata) === undefined ? [] : [{ ...SELF_HOSTED, id, kind: 'embedding' }];
    });
  }

  /** Throws `model_not_found`. */
  async require(id: string, signal: AbortSignal): Promise<Metadata> {
    const known = this.#metadata.get(id) ?? (await this.#repository.describe(id, signal));
    if (known === undefined) throw notFound(id);
    this.#metadata.set(id, known);
    return known;
  }

  /** The name of the input of a model that gives a vector for a text. Throws `model_not_found`. */
  async requireTextInput(id: string, signal: AbortSignal): Promise<string> {
    const name = textInput(await this.require(id, signal));
    if (name === undefined) throw notFound(id);
    return name;
  }
}

/** The vectors of an output, one after the other, for so many texts. Throws `upstream_failed` where they are not that. */
export function vectorsOf(
  output: { readonly shape: readonly number[]; readonly data: readonly number[] } | undefined,
  { texts, cause }: { readonly texts: number; readonly cause?: unknown },
): number[][] {
  const size = output?.shape.at(-1) ?? 0;
  if (output === undefined || size < 1 || output.data.length !== size * texts)
    throw new PlatformError('upstream_failed', 'Triton sent vectors that cannot be read.', { cause });
  return Array.from({ length: texts }, (_, at) => output.data.slice(at * size, (at + 1) * size));
}

/** Of a list one model may be missing that is not loaded just now; what else fails, fails the list. */
function unloaded(error: unknown): undefined {
  if (error instanceof PlatformError && error.code === 'unavailable') return undefined;
  throw error;
}

const isChat = ({ inputs, outputs }: Metadata) =>
  inputs.some(({ name }) => name === 'text_input') && outputs.some(({ name }) => name === 'text_output');

/** The input of a model that takes one text and gives numbers. */
const textInput = ({ inputs, outputs }: Metadata): string | undefined =>
  inputs.length === 1 && inputs[0]?.datatype === 'BYTES' && /^FP(32|64)$/.test(outputs[0]?.datatype ?? '')
    ? inputs[0].name
    : undefined;

function notFound(id: string): PlatformError {
  return new PlatformError(
    'model_not_found',
    `Triton has no model '${id.slice(0, 80)}' that takes a text, or it is not ready.`,
    { param: 'model' },
  );
}
