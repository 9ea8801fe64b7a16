import { createHash } from 'node:crypto';
import { readFileSync } from 'node:fs';
import type { Rule } from '../rules/rule.ts';
import { RULES } from '../rules.ts';

/** Rules that Gatekeeper knows, each with its Rego beside it. */
export const GATEKEEPER_RULES: readonly Rule[] = RULES.filter(({ gatekeeper }) => gatekeeper !== 'none');

const read = (file: string) => readFileSync(new URL(file, import.meta.url), 'utf8');

/** Rego that all rules share. */
export function libraryOf(): string {
  return read('lib.rego');
}

/** Rego of one rule. Throws ENOENT where it has none. */
export function regoOf(rule: Rule): string {
  return read(`../rules/${rule.name}/rule.rego`);
}

/** Path of a rule's refusals in the compiled bundle: `mcp/image_tag/violation`. */
export function entrypointOf(rule: Rule): string {
  return `mcp/${rule.name.replaceAll('-', '_')}/violation`;
}

/** SHA-256 (hex) of all Rego, so that a test sees when the compiled bundle is stale. */
export function sourceDigest(): string {
  const hash = createHash('sha256');
  for (const text of [libraryOf(), ...GATEKEEPER_RULES.map(regoOf)]) hash.update(`${text.length}\n${text}`);
  return hash.digest('hex');
}
