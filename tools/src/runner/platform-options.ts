/** What a platform on this machine is started with: the user's choice, and what stands around it. */
import type { Stack } from '@mcp/stacks';
import type { DataPaths } from '../paths.ts';
import type { Ui } from '../ui.ts';
import type { AssetSource } from './weights.ts';

export interface PlatformOptions {
  /** The stack to run, already with the user's choice of models and processes. */
  readonly stack: Stack;
  readonly host: string;
  readonly port: number;
  readonly paths: DataPaths;
  /** True when the models were chosen for tests and nothing else may join. */
  readonly scripted: boolean;
  /** True when nothing outside this machine may be asked. */
  readonly offline: boolean;
}

export interface PlatformContext {
  readonly ui: Ui;
  readonly assets: AssetSource;
  readonly env: NodeJS.ProcessEnv;
  readonly signal: AbortSignal;
  /** Root of the checkout whose services are run. */
  readonly root: string;
}
