import type { ServiceKit } from '@mcp/service-kit';
import type { manifest } from '../manifest.ts';

/** The kit with this service's own settings, metrics and flags. */
export type TransparencyLogKit = ServiceKit<typeof manifest>;
