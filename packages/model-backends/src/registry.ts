/** Every backend, by its name. A new one: a folder beside these, and its line here. Light: no backend is loaded by it. */
import { type ConfigOf, listText, type ModelBackend, type Settings } from '@mcp/contracts';
import { z } from 'zod';
import { manifest as anthropic } from './anthropic/manifest.ts';
import { manifest as azureOpenAi } from './azure-openai/manifest.ts';
import { manifest as bedrock } from './bedrock/manifest.ts';
import { manifest as deepSeek } from './deepseek/manifest.ts';
import { manifest as embedded } from './embedded/manifest.ts';
import { manifest as groq } from './groq/manifest.ts';
import { manifest as llamaCpp } from './llama-cpp/manifest.ts';
import { manifest as lmStudio } from './lm-studio/manifest.ts';
import { manifest as ollama } from './ollama/manifest.ts';
import { manifest as openai } from './openai/manifest.ts';
import { manifest as scripted } from './scripted/manifest.ts';
import { manifest as triton } from './triton/manifest.ts';
import { manifest as tritonOpenAi } from './triton-openai/manifest.ts';
import { manifest as vertex } from './vertex/manifest.ts';
import { manifest as vllm } from './vllm/manifest.ts';

export const BACKENDS = {
  anthropic: entry(anthropic, () => import('./anthropic/index.ts')),
  'azure-openai': entry(azureOpenAi, () => import('./azure-openai/index.ts')),
  bedrock: entry(bedrock, () => import('./bedrock/index.ts')),
  deepseek: entry(deepSeek, () => import('./deepseek/index.ts')),
  embedded: entry(embedded, () => import('./embedded/index.ts')),
  groq: entry(groq, () => import('./groq/index.ts')),
  'llama-cpp': entry(llamaCpp, () => import('./llama-cpp/index.ts')),
  'lm-studio': entry(lmStudio, () => import('./lm-studio/index.ts')),
  ollama: entry(ollama, () => import('./ollama/index.ts')),
  openai: entry(openai, () => import('./openai/index.ts')),
  scripted: entry(scripted, () => import('./scripted/index.ts')),
  triton: entry(triton, () => import('./triton/index.ts')),
  'triton-openai': entry(tritonOpenAi, () => import('./triton-openai/index.ts')),
  vertex: entry(vertex, () => import('./vertex/index.ts')),
  vllm: entry(vllm, () => import('./vllm/index.ts')),
};
type Backends = typeof BACKENDS;

/** A manifest with the code behind it, which is loaded where the backend is used. */
function entry<M extends { readonly settings: Settings }>(
  manifest: M,
  load: () => Promise<{ create(env: ConfigOf<M['settings']>): readonly ModelBackend[] }>,
) {
  return {
    manifest,
    /** Takes an environment that was read by the manifest's settings. */
    create: async (env: Readonly<Record<string, unknown>>) =>
      (await load()).create(env as ConfigOf<M['settings']>),
  };
}

export type BackendName = keyof Backends;
/** Backends of servers elsewhere. */
export type RemoteBackendName = {
  [N in BackendName]: Backends[N]['manifest']['runs'] extends 'elsewhere' ? N : never;
}[BackendName];

/** What who asks for the blueprint's hybrid inference is told: docs/decisions/2026-11-28-hybrid-is-an-alias.md. */
const HYBRID =
  'hybrid is no backend but an alias over models of several: name those backends here, and declare MODEL_ALIASES=\'{"hybrid":{"candidates":[{"model":"one"},{"model":"another"}],"strategy":"order"}}\' (docs/routing.md)';

const names = Object.keys(BACKENDS) as [BackendName, ...BackendName[]];
export const BackendName = z.enum(names, { error: ({ input }) => (input === 'hybrid' ? HYBRID : undefined) });
export const RemoteBackendName = z.enum(
  names.filter((name): name is RemoteBackendName => BACKENDS[name].manifest.runs === 'elsewhere'),
);

type All<U> = (U extends unknown ? (one: U) => void : never) extends (all: infer A) => void ? A : never;

/** The settings of several backends together. */
export function backendSettings<N extends BackendName>(
  of: readonly N[],
): All<Backends[N]['manifest']['settings']> {
  return Object.assign({}, ...of.map((name) => BACKENDS[name].manifest.settings));
}

/** `MODEL_BACKENDS=embedded,openai`: a comma-separated list, in order of preference. */
export const BackendList = listText(
  z.array(BackendName).min(1, `must name at least one of ${BackendName.options.join(', ')}`),
);
export const RemoteBackendList = listText(z.array(RemoteBackendName));
