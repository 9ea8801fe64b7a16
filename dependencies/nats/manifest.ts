import { type Dependency, defineDependency } from '@mcp/contracts';
import { natsStart } from './start.ts';
import { OPERATORS } from './users.ts';

const manifest = defineDependency({
  name: 'nats',
  summary:
    'Event bus: NATS with JetStream on volumes, a user per service, links to the other regions over TLS.',
  presence: 'required',
  ports: [
    { name: 'client', number: 4222, from: ['users'] },
    // KEDA reads the lag of consumers there.
    { name: 'monitor', number: 8222, from: ['autoscaler'] },
    { name: 'cluster', number: 6222, from: ['replicas'] },
    { name: 'link', number: 7422, from: ['regions'] },
  ],
  secrets: [
    { for: 'user', object: 'mcp-nats', key: 'password', made: 'random' },
    { for: 'regions', object: 'mcp-nats-link', key: 'password', made: 'random' },
    { for: 'replicas', object: 'mcp-nats-cluster', key: 'password', made: 'random' },
  ],
  runs: {
    image: 'docker.io/library/nats:2.15.2',
    size: { cpu_request: '250m', cpu_limit: '1', memory_request: '256Mi', memory_limit: '1Gi' },
    config_dir: '/etc/nats',
    volume: { dir: '/data' },
    replicas: [1, 3, 5],
    probes: {
      port: 'monitor',
      startup: { path: '/healthz', period_s: 2, failures: 90 },
      readiness: { path: '/healthz?js-server-only=true', period_s: 5 },
      liveness: { path: '/healthz?js-enabled-only=true', period_s: 15 },
    },
    grace_s: 60,
    linger_s: 2,
    certificate: { object: 'mcp-nats-tls', dir: '/etc/nats-tls' },
    compose: {
      // The image without a system has nothing that could look at its health.
      tag_suffix: '-alpine',
      healthcheck: ['wget', '-q', '-O', '/dev/null', 'http://127.0.0.1:8222/healthz?js-server-only=true'],
      grace_s: 15,
    },
  },
  local: {
    program: 'nats-server',
    what: 'the event bus',
    homepage: 'https://github.com/nats-io/nats-server/releases',
    ports: ['client'],
    greeting: { begins: 'INFO ', contains: '"jetstream":true', otherwise: 'JetStream is not up yet' },
    storage_bytes: 10 * 1024 * 1024 * 1024,
    scheme: 'nats',
  },
});

export const nats: Dependency = { manifest, start: natsStart, operators: OPERATORS };
