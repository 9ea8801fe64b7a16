/** Model backends behind one interface: see `registry.ts`. */
export { BackendEnv, BackendList, BackendName, createBackends } from './registry.ts';
export { scriptedTokens } from './scripted/index.ts';
