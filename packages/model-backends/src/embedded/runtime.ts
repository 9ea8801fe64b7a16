import { getLlama, type Llama, LlamaLogLevel } from 'node-llama-cpp';

let shared: Promise<Llama> | undefined;

/** One llama.cpp runtime for the process: CPU, prebuilt, nothing downloaded. The first caller's threads count. */
export function runtime(threads: number): Promise<Llama> {
  shared ??= getLlama({
    gpu: false,
    build: 'never',
    skipDownload: true,
    maxThreads: threads,
    logLevel: LlamaLogLevel.error,
    progressLogs: false,
  }).catch((error: unknown) => {
    shared = undefined;
    throw error;
  });
  return shared;
}
