import { spawnSync } from 'node:child_process';

/** Names another command than those of {@link COMMANDS}, with its first arguments. */
const VARIABLE = 'MCP_PULUMI';
/** Tried in order: the CLI, else the npm package that downloads it. */
const COMMANDS: readonly (readonly string[])[] = [['pulumi'], ['npx', '--yes', 'pulumi']];

/** How Pulumi is called. */
export interface PulumiCli {
  readonly command: readonly string[];
  /** False: a test double of the engine, which knows `preview`, `up` and `destroy` and asks nothing. */
  readonly full: boolean;
}

/** The Pulumi that can be had here: of MCP_PULUMI, which no other replaces, on PATH, or by npm. Undefined: none. */
export function pulumiCli(env: NodeJS.ProcessEnv): PulumiCli | undefined {
  const named = env[VARIABLE]?.split(/\s+/).filter((word) => word !== '') ?? [];
  for (const command of named.length > 0 ? [named] : COMMANDS) {
    if (runs(command, 'version', env)) return { command, full: true };
    if (runs(command, '--help', env)) return { command, full: false };
  }
  return undefined;
}

function runs(
  [program = '', ...before]: readonly string[],
  argument: string,
  env: NodeJS.ProcessEnv,
): boolean {
  return spawnSync(program, [...before, argument], { env, stdio: 'ignore' }).status === 0;
}
