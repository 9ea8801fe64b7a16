import type { KubernetesSettings, Stack } from '@mcp/stacks';

export interface Setting {
  readonly name: string;
  /** The stack that it is switched in. */
  readonly stack: string;
  readonly change: (stack: Stack) => void;
}

const ofFeature = (feature: keyof KubernetesSettings['features'], stack: string): Setting => ({
  name: `features.${feature}`,
  stack,
  change: ({ kubernetes }) => {
    kubernetes.features[feature] = !kubernetes.features[feature];
  },
});
const of = (name: string, stack: string, change: Setting['change']): Setting => ({ name, stack, change });
const first = (stack: Stack, service: string) => {
  const found = stack.services.find((one) => one.service === service);
  if (found === undefined) throw new Error(`${stack.name} does not place ${service}`);
  return found;
};
const HOST = { cidr: '203.0.113.0/24', except: [], port: 443 };
/** Where that of the tests' `databaseUrl` could be. */
const DATABASE = { ...HOST, port: 5432 };

/**
 * Every setting of a stack that changes what is deployed, each as one switch. A test holds that no setting of
 * `KubernetesSettings` is missing here.
 */
export const SETTINGS: readonly Setting[] = [
  ofFeature('gateway_api', 'local'),
  ofFeature('envoy_policies', 'local'),
  ofFeature('keda', 'local'),
  ofFeature('gatekeeper', 'local'),
  ofFeature('flagger', 'dev'),
  ofFeature('service_monitor', 'local'),
  ofFeature('image_signatures', 'dev'),
  of('dependencies: one more', 'local', ({ kubernetes }) => {
    kubernetes.dependencies.collector = { replicas: 1 };
  }),
  of('database: embedded to external', 'local', ({ kubernetes }) => {
    kubernetes.database = 'external';
    kubernetes.egress.database = [DATABASE];
  }),
  of('database: external to embedded', 'dev', ({ kubernetes }) => {
    kubernetes.database = 'embedded';
  }),
  of('images.build', 'dev', ({ kubernetes }) => {
    kubernetes.images.build = !kubernetes.images.build;
  }),
  of(
    'images.repository, images.tag, images.allowed_registries, canary.weight, metrics_port, monitoring_namespace, keda_namespace, edge_namespace, request_percent, models, limits, features, log_level',
    'local',
    (stack) => {
      const { kubernetes, limits, features } = stack;
      Object.assign(kubernetes.images, { repository: 'registry.example/mcp', tag: '0.2.0' });
      kubernetes.images.allowed_registries.push('registry.example/');
      kubernetes.canary.weight = 37;
      kubernetes.metrics_port = 9500;
      for (const key of ['monitoring_namespace', 'keda_namespace', 'edge_namespace'] as const)
        kubernetes[key] = `other-${key.split('_')[0]}`;
      kubernetes.request_percent = 50;
      stack.models = stack.models.filter(({ background }) => !background);
      limits.max_parallel_requests = 7;
      features.MODEL_ARBITRATION_ENABLED = true;
      stack.log_level = 'debug';
    },
  ),
  of(
    'images.signer, edge.gateway_class, edge.host, edge.requests_per_second, dependencies: images, egress',
    'prod',
    ({ kubernetes }) => {
      kubernetes.images.signer = {
        issuer: 'https://issuer.example',
        subject_regexp: '^https://issuer\\.example/ours$',
      };
      Object.assign(kubernetes.edge, {
        gateway_class: 'other',
        host: 'mcp.example.org',
        requests_per_second: 7,
      });
      kubernetes.dependencies = {
        nats: { replicas: 3, storage_gib: 50, image: 'docker.io/library/nats:2.99.0' },
        collector: { replicas: 1, image: 'docker.io/otel/opentelemetry-collector-contrib:0.999.0' },
      };
      for (const kind of Object.keys(kubernetes.egress) as (keyof typeof kubernetes.egress)[])
        kubernetes.egress[kind] = [kind === 'database' ? DATABASE : HOST];
    },
  ),
  of('edge.tls_secret', 'dev', ({ kubernetes }) => {
    delete kubernetes.edge.tls_secret;
  }),
  of('canary.image, canary.features, canary.limits, promotion', 'dev', ({ kubernetes }) => {
    kubernetes.canary.image = `sha256:${'0'.repeat(64)}`;
    kubernetes.canary.features.MODEL_ARBITRATION_ENABLED = true;
    kubernetes.canary.limits.max_parallel_requests = 7;
    kubernetes.promotion.interval_s = 60;
  }),
  of('canary.enabled', 'local', ({ kubernetes }) => {
    kubernetes.canary.enabled = !kubernetes.canary.enabled;
  }),
  of('storage_class', 'local', ({ kubernetes }) => {
    kubernetes.storage_class = 'fast';
  }),
  of('dependencies: replicas', 'local', ({ kubernetes }) => {
    kubernetes.dependencies.nats = { replicas: 3, storage_gib: 2 };
  }),
  of('dependencies: storage_gib', 'local', ({ kubernetes }) => {
    kubernetes.dependencies.nats = { replicas: 1, storage_gib: 3 };
  }),
  of('nats.external_url', 'dev', ({ nats }) => {
    nats.external_url = 'tls://bus.example.com:4222';
  }),
  of('services: replicas, database_connections', 'dev', (stack) => {
    stack.kubernetes.database_connections = 400;
    Object.assign(first(stack, 'model-gateway'), { replicas: 3, autoscale: false });
  }),
  of('services: autoscale', 'local', (stack) => {
    first(stack, 'model-gateway').autoscale = true;
  }),
  of('services: in_process', 'local', (stack) => {
    first(stack, 'gateway').in_process = ['core'];
    stack.services = stack.services.filter(({ service }) => service !== 'core');
  }),
  of('models: none that is embedded', 'local', (stack) => {
    stack.models = stack.models.map((model) => ({ ...model, backend: 'openai' as const }));
  }),
  of('identity_provider', 'local', (stack) => {
    stack.identity_provider = { issuer: 'https://login.example.com', audience: 'mcp' };
  }),
  of('identity_provider', 'local', (stack) => {
    stack.identity_provider = { issuer: 'https://login.example.com', audience: 'mcp' };
  }),
  of('regions: peers', 'multi-region', (stack) => {
    for (const region of stack.regions) region.peers = [];
  }),
  of('regions: one less', 'multi-region', (stack) => {
    stack.regions = stack.regions.slice(0, 1).map((region) => ({ ...region, peers: [] }));
  }),
];
