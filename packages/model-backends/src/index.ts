/** Model backends behind one interface: see `registry.ts`. */
export { BackendEnv, createBackends } from './registry.ts';
export { scriptedTokens } from './scripted/index.ts';
