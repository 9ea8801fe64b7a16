/** What tests are made with: real servers, on free ports, gone at the end. */

export { failure } from './failure.ts';
export { callerHeaders, testIdentities } from './identities.ts';
export { startScriptedKms, type TestedKms } from './kms.ts';
export { freePort, type NatsOptions, type NatsServer, startNats } from './nats.ts';
export { type ObjectStorage, startObjectStorage } from './objects.ts';
export { type PostgresServer, startPostgres } from './postgres.ts';
export { type Answer, head, raw, untilClosed } from './raw.ts';
export { realKmsServers } from './real-kms.ts';
