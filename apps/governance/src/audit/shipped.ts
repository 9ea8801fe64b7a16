/** What this platform was shipped with: the materials of its software, and what the policies say of its stacks. */
import { readdir, readFile } from 'node:fs/promises';
import { jsonOf } from '@mcp/contracts';
import { sbomOf, sha256Of } from '@mcp/provenance/audit';

/** Beside the apps, in the checkout and in the image. */
const LOCK_FILE = new URL('../../../../package-lock.json', import.meta.url);
/** Written by infra/test/program.test.ts, which holds every stack to every rule. */
const POLICY_RESULTS = new URL('../../policy-results/', import.meta.url);

/** By its SHA-256: who has the lock file makes the same with `mcp audit sbom`. Null where the lock file is not there. */
export async function sbomSummary(): Promise<unknown> {
  const lock_file = await readFile(LOCK_FILE, 'utf8').catch(() => undefined);
  if (lock_file === undefined) return null;
  const { text, components } = sbomOf(lock_file);
  return {
    format: 'CycloneDX 1.6',
    components,
    sha256: sha256Of(text),
    lock_file: { name: 'package-lock.json', sha256: sha256Of(lock_file) },
  };
}

/** What the rules of the clusters say of each stack as it was shipped. */
export async function policyResults(): Promise<unknown[]> {
  const names = (await readdir(POLICY_RESULTS)).sort();
  return Promise.all(
    names.map(async (name) => jsonOf(await readFile(new URL(name, POLICY_RESULTS), 'utf8'))),
  );
}
