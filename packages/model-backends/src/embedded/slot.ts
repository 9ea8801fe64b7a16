import { statSync } from 'node:fs';
import { join } from 'node:path';
import { ChatModel } from './chat-model.ts';
import { Embedder } from './embedder.ts';

/** A model to be run in process. */
export interface SlotSpec {
  readonly id: string;
  readonly kind: 'chat' | 'embedding';
  readonly path: string;
  readonly max_context: number;
  readonly parallel: number;
}

export type SlotState =
  | { readonly status: 'downloading' | 'loading' | 'unavailable'; readonly detail: string }
  | { readonly status: 'ready'; readonly model: ChatModel | Embedder };

/** The place of one model: it fills when the weights are there, and again when files that could not be loaded change. */
export class Slot {
  readonly spec: SlotSpec;
  readonly #threads: number;
  #state: SlotState = { status: 'downloading', detail: 'its weights have not arrived yet' };
  /** Size and time of the files that were tried last. */
  #tried: string | undefined;
  #closed = false;

  constructor(spec: SlotSpec, threads: number) {
    this.spec = spec;
    this.#threads = threads;
    this.look();
  }

  get state(): SlotState {
    return this.#state;
  }

  /** Sees whether weights are there that were not tried yet. Synchronous, so that no state is told that is not so. */
  look(): void {
    if (this.#closed || this.#state.status === 'ready' || this.#state.status === 'loading') return;
    const signature = signatureOf(this.spec);
    if (signature === undefined || signature === this.#tried) return;
    this.#tried = signature;
    this.#state = { status: 'loading', detail: 'it waits its turn to be loaded' };
  }

  /** Loads the weights that were seen. */
  async load(): Promise<void> {
    if (this.#state.status !== 'loading') return;
    this.#state = { status: 'loading', detail: 'its weights are being loaded' };
    try {
      const model =
        this.spec.kind === 'chat'
          ? await ChatModel.load({ ...this.spec, threads: this.#threads })
          : await Embedder.load(this.spec.path);
      this.#state = { status: 'ready', model };
    } catch (error) {
      const reason = error instanceof Error ? error.message.slice(0, 200) : 'unknown reason';
      this.#state = { status: 'unavailable', detail: `its weights cannot be loaded: ${reason}` };
    }
  }

  async close(): Promise<void> {
    this.#closed = true;
    const model = this.#state.status === 'ready' ? this.#state.model : undefined;
    this.#state = { status: 'unavailable', detail: 'it is being shut down' };
    await model?.close();
  }
}

/** Undefined as long as a file is missing. */
function signatureOf(spec: SlotSpec): string | undefined {
  const files =
    spec.kind === 'chat' ? [spec.path] : [join(spec.path, 'model.onnx'), join(spec.path, 'tokenizer.json')];
  try {
    return files
      .map((file) => statSync(file))
      .map(({ size, mtimeMs }) => `${size}@${mtimeMs}`)
      .join(' ');
  } catch {
    return undefined;
  }
}
