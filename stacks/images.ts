/**
 * Images of others. Shared environments build a mirror of each in their own registry and name it by digest, so that
 * what was previewed is what runs and one signature policy covers all.
 */
export const NATS_IMAGE = 'docker.io/library/nats:2.15.2';
export const COLLECTOR_IMAGE = 'docker.io/otel/opentelemetry-collector-contrib:0.140.1';
