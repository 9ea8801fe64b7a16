import type { ServiceManifest, ServiceName } from '@mcp/contracts';
import { manifest as core } from '../apps/core/service.ts';
import { manifest as gateway } from '../apps/gateway/service.ts';
import { manifest as governance } from '../apps/governance/service.ts';
import { manifest as modelGateway } from '../apps/model-gateway/service.ts';
import { manifest as taskEngine } from '../apps/task-engine/service.ts';

/** Every deployable, by name. A new service: a folder in `apps/` with a `service.ts`, and one line here. */
export const services: Readonly<Record<ServiceName, ServiceManifest>> = {
  gateway,
  core,
  'model-gateway': modelGateway,
  'task-engine': taskEngine,
  governance,
};
