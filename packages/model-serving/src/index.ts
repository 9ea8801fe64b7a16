/** What stands between callers and model backends: catalogue, queues, limits, retries, accounting. Runs in any process. */
export { SharedEnergy } from './energy/shared.ts';
export { createModelGateway } from './model-gateway.ts';
export { nearby } from './nearby.ts';
export { sumByModel } from './queue-sums.ts';
