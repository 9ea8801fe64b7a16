import { isBundle, type VerifyOptions, verifyBundle } from '@mcp/provenance';
import { CliError, EXIT } from '../errors.ts';
import { readGivenJson } from '../given-file.ts';
import { keysGiven, ownKeys } from './trusted-keys.ts';
import { verdictLine } from './verdict-line.ts';

/** A bundle that is larger is not one of ours. */
const GIVEN = { what: 'a proof bundle', max_bytes: 64 * 1024 * 1024 };

interface BundleFlags {
  /** By what the signatures of the log are checked. */
  readonly options: VerifyOptions;
  /** Keys whose signatures count; none: those that the bundle brings. */
  readonly keys: readonly string[];
  readonly json: boolean;
}

/** Checks a proof bundle without asking anybody, and prints the verdict. */
export function checkBundle(path: string, { options, keys, json }: BundleFlags): void {
  const bundle = readBundle(path);
  const verdict = verifyBundle(bundle, { ...options, keys: keysGiven(keys) });
  if (json) process.stdout.write(`${JSON.stringify(verdict, null, 2)}\n`);
  else {
    const { log_keys = [] } = bundle as { readonly log_keys?: readonly string[] };
    const notes = keys.length > 0 || !verdict.ok ? [] : ownKeys(log_keys);
    process.stdout.write(`${[verdictLine(verdict), ...notes].join('\n')}\n`);
  }
  process.exitCode = verdict.ok ? EXIT.ok : EXIT.failed;
}

export function readBundle(path: string): unknown {
  const value = readGivenJson(path, GIVEN);
  if (isBundle(value)) return value;
  throw new CliError(`${path} is no proof bundle. A log is checked with: npx mcp verify ${path}`);
}
