/** The software bill of materials of the platform, from npm's lock file: the same bytes for the same lock file. */
import { createHash } from 'node:crypto';
import { z } from 'zod';

/** Of a package in a lock file of version 3, what is listed. */
const Package = z.object({
  name: z.string().optional(),
  version: z.string().optional(),
  integrity: z.string().optional(),
  license: z.string().optional(),
  link: z.boolean().default(false),
  dev: z.boolean().default(false),
  optional: z.boolean().default(false),
});
const LockFile = z.object({
  name: z.string(),
  version: z.string(),
  lockfileVersion: z.literal(3),
  packages: z.record(z.string(), Package),
});

const INSTALLED = /(?:^|\/)node_modules\/((?:@[^/]+\/)?[^/]+)$/;
/** Subresource integrity (W3C): algorithm and digest. */
const SHA512 = /(?:^|\s)sha512-([A-Za-z0-9+/]+={0,2})(?:\s|$)/;

interface Component {
  readonly type: 'library';
  readonly name: string;
  readonly version: string;
  readonly purl: string;
  readonly scope: 'required' | 'optional';
  readonly hashes?: readonly { readonly alg: 'SHA-512'; readonly content: string }[];
  readonly licenses?: readonly { readonly expression: string }[];
}

/**
 * CycloneDX 1.6 of what runs, packages for development left out. Without a time of its own, so that anybody who has the
 * lock file makes the same file. Throws a TypeError where the text is no lock file.
 */
export function sbomOf(lock_file: string): { readonly text: string; readonly components: number } {
  const lock = LockFile.safeParse(jsonIn(lock_file));
  if (!lock.success) throw new TypeError('This is no lock file of npm (lockfileVersion 3).');
  const { name, version, packages } = lock.data;
  const found = new Map<string, Component>();
  for (const [path, one] of Object.entries(packages)) {
    const component = componentOf(path, one);
    if (component !== undefined && found.get(component.purl)?.scope !== 'required')
      found.set(component.purl, component);
  }
  const components = [...found.values()].sort((a, b) => (a.purl < b.purl ? -1 : 1));
  const bom = {
    $schema: 'http://cyclonedx.org/schema/bom-1.6.schema.json',
    bomFormat: 'CycloneDX',
    specVersion: '1.6',
    version: 1,
    metadata: {
      component: { type: 'application', name, version },
      properties: [
        { name: 'mcp:lock-file:sha256', value: createHash('sha256').update(lock_file).digest('hex') },
      ],
    },
    components,
  };
  return { text: `${JSON.stringify(bom, null, 1)}\n`, components: components.length };
}

function componentOf(path: string, one: z.infer<typeof Package>): Component | undefined {
  const name = one.name ?? INSTALLED.exec(path)?.[1];
  const { version } = one;
  if (name === undefined || version === undefined || !INSTALLED.test(path) || one.link || one.dev)
    return undefined;
  const digest = SHA512.exec(one.integrity ?? '')?.[1];
  return {
    type: 'library',
    name,
    version,
    purl: `pkg:npm/${name.replace('@', '%40')}@${version}`,
    scope: one.optional ? 'optional' : 'required',
    ...(digest === undefined
      ? {}
      : { hashes: [{ alg: 'SHA-512', content: Buffer.from(digest, 'base64').toString('hex') }] }),
    ...(one.license === undefined ? {} : { licenses: [{ expression: one.license }] }),
  };
}

function jsonIn(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
}
