/** The infrastructure that the services need beside each other. A new one: a folder here, and one line. */
import type { Dependency } from '@mcp/contracts';
import { collector } from './collector/manifest.ts';
import { nats } from './nats/manifest.ts';
import { postgres } from './postgres/manifest.ts';

const table = { nats, collector, postgres } satisfies Record<string, Dependency>;

export type KnownDependency = keyof typeof table;
/** Every dependency, by name. */
export const dependencies: Readonly<Record<KnownDependency, Dependency>> = table;
