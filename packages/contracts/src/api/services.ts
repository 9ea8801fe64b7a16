/** The internal API of each service that has one; clients are made from it. A new one: its file, and its lines here. */
import type { ServiceName } from '../tables/service-name.ts';
import { coreEndpoints } from './core.ts';
import type { Endpoints } from './endpoint.ts';
import { governanceEndpoints } from './governance.ts';
import { modelGatewayEndpoints } from './model-gateway.ts';
import { taskEngineEndpoints } from './task-engine.ts';
import { transparencyLogEndpoints } from './transparency-log.ts';

export * from './core.ts';
export * from './governance.ts';
export * from './model-gateway.ts';
export * from './task-engine.ts';
export * from './transparency-log.ts';

export const SERVICE_APIS = {
  core: coreEndpoints,
  'model-gateway': modelGatewayEndpoints,
  'task-engine': taskEngineEndpoints,
  governance: governanceEndpoints,
  'transparency-log': transparencyLogEndpoints,
} as const satisfies Partial<Record<ServiceName, Endpoints>>;
