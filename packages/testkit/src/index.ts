/** What tests are made with: real servers, on free ports, gone at the end. */

export { callerHeaders, testIdentities } from './identities.ts';
export { freePort, type NatsOptions, type NatsServer, startNats } from './nats.ts';
