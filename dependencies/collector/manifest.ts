import { type Dependency, defineDependency } from '@mcp/contracts';
import { collectorStart } from './config.ts';

const manifest = defineDependency({
  name: 'collector',
  summary:
    'OpenTelemetry Collector: keeps every trace with an error or slower than a service’s objective, and a tenth of the others.',
  presence: 'optional',
  ports: [
    // OTLP over HTTP, as every service sends it.
    { name: 'otlp-http', number: 4318, from: ['users'], http: true },
    { name: 'metrics', number: 8888, from: ['monitoring'] },
    { name: 'health', number: 13_133, from: [] },
  ],
  egress: ['otlp'],
  secrets: [
    { for: 'itself', object: 'mcp-otlp-export', key: 'endpoint', made: 'operator' },
    { for: 'itself', object: 'mcp-otlp-export', key: 'authorization', made: 'operator' },
  ],
  runs: {
    image: 'docker.io/otel/opentelemetry-collector-contrib:0.140.1',
    size: { cpu_request: '100m', cpu_limit: '1', memory_request: '256Mi', memory_limit: '512Mi' },
    config_dir: '/etc/collector',
    // One, for a decision needs all spans of a trace; the services go on when it is away.
    replicas: [1],
    probes: {
      port: 'health',
      startup: { path: '/', period_s: 2, failures: 30 },
      readiness: { path: '/', period_s: 5 },
      liveness: { path: '/', period_s: 15 },
    },
    // What is waited for before a trace is decided on, and a little more.
    grace_s: 45,
    metrics: { port: 'metrics' },
  },
});

export const collector: Dependency = { manifest, start: collectorStart };
