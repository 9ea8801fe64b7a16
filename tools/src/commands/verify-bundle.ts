import { readFileSync, statSync } from 'node:fs';
import { isBundle, type VerifyOptions, verifyBundle } from '@mcp/provenance';
import { CliError, EXIT, messageOf } from '../errors.ts';
import { keysGiven, ownKeys } from './trusted-keys.ts';
import { verdictLine } from './verdict-line.ts';

/** A bundle larger than this is not one of ours. */
const MAX_BUNDLE_BYTES = 256 * 1024 * 1024;

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
  try {
    if (statSync(path).size > MAX_BUNDLE_BYTES)
      throw new CliError(`${path} has more than ${MAX_BUNDLE_BYTES} bytes: that is no proof bundle.`);
    const value: unknown = JSON.parse(readFileSync(path, 'utf8'));
    if (isBundle(value)) return value;
  } catch (error) {
    if (error instanceof CliError) throw error;
    throw new CliError(`${path} cannot be read as JSON (${messageOf(error)}).`);
  }
  throw new CliError(`${path} is no proof bundle. A log is checked with: npx mcp verify ${path}`);
}
