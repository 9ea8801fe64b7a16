import type { ServiceKit } from '@mcp/service-kit';
import type { manifest } from '../manifest.ts';

/** What the gateway is built on, with its own settings, metrics and flags. */
export type GatewayKit = ServiceKit<typeof manifest>;
