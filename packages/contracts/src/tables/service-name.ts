/** The names of services, once. */
import { z } from 'zod';

/** The deployables. A new service: one name here, one folder in `apps/`, one line in `stacks/services.ts`. */
export const ServiceName = z.enum([
  'gateway',
  'core',
  'model-gateway',
  'task-engine',
  'governance',
  'transparency-log',
]);
export type ServiceName = z.infer<typeof ServiceName>;

/** `MCP_CORE_URL`: where a service is to be found. `…_PORT`: what it listens on instead of its manifest's port. `…_SIGNING_KEY`: what it makes the key from that it signs its calls with. */
export function serviceVariable(name: ServiceName, part: 'URL' | 'PORT' | 'SIGNING_KEY'): string {
  return `MCP_${name.toUpperCase().replaceAll('-', '_')}_${part}`;
}
