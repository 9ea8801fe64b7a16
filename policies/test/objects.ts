import { paramsOf } from '../params.ts';

export const DIGEST = `sha256:${'0123456789abcdef'.repeat(4)}`;
export const IMAGE = `ghcr.io/acme/mcp/core@${DIGEST}`;
export const PARAMS = paramsOf({
  allowed_registries: ['ghcr.io/acme/'],
  load_balancers: ['edge'],
  signed_registries: ['ghcr.io/acme/mcp/'],
});

export const LABELS: Record<string, string> = {
  'app.kubernetes.io/name': 'core',
  'app.kubernetes.io/instance': 'prod-eu-central',
  'app.kubernetes.io/part-of': 'mcp',
  'app.kubernetes.io/managed-by': 'pulumi',
  'mcp.platform/region': 'eu-central',
  'mcp.platform/residency': 'eu',
};

type Fields = Record<string, unknown>;

export function container(fields: Fields = {}): Fields {
  return {
    name: 'core',
    image: IMAGE,
    env: [{ name: 'MCP_LOG_LEVEL', value: 'info' }],
    resources: { requests: { cpu: '100m', memory: '128Mi' }, limits: { cpu: '1', memory: '256Mi' } },
    securityContext: {
      allowPrivilegeEscalation: false,
      capabilities: { drop: ['ALL'] },
      readOnlyRootFilesystem: true,
    },
    ...fields,
  };
}

/** A container whose security context has other fields. */
export function secured(fields: Fields): Fields {
  const one = container();
  return { ...one, securityContext: { ...Object(one.securityContext), ...fields } };
}

function podSpec(fields: Fields = {}): Fields {
  return {
    securityContext: { runAsNonRoot: true, seccompProfile: { type: 'RuntimeDefault' } },
    nodeSelector: { 'residency.mcp.platform/eu': 'true' },
    containers: [container()],
    ...fields,
  };
}

const metadata = (fields: Fields = {}): Fields => ({
  name: 'core',
  namespace: 'mcp',
  labels: LABELS,
  ...fields,
});

export function pod(spec: Fields = {}, meta: Fields = {}): Fields {
  return { apiVersion: 'v1', kind: 'Pod', metadata: metadata(meta), spec: podSpec(spec) };
}

export function deployment(fields: Fields = {}, meta: Fields = {}): Fields {
  return {
    apiVersion: 'apps/v1',
    kind: 'Deployment',
    metadata: metadata(meta),
    spec: {
      selector: { matchLabels: { 'app.kubernetes.io/name': 'core' } },
      template: { metadata: { labels: LABELS }, spec: podSpec() },
      ...fields,
    },
  };
}

/** A Deployment of these containers. */
export function running(...containers: Fields[]): Fields {
  return deployment({ template: { metadata: { labels: LABELS }, spec: podSpec({ containers }) } });
}

export function cronJob(spec: Fields = {}): Fields {
  const template = { metadata: { labels: LABELS }, spec: podSpec(spec) };
  return {
    apiVersion: 'batch/v1',
    kind: 'CronJob',
    metadata: metadata(),
    spec: { schedule: '0 3 * * *', jobTemplate: { spec: { template } } },
  };
}

export function service(spec: Fields = {}, name = 'core'): Fields {
  return { apiVersion: 'v1', kind: 'Service', metadata: metadata({ name }), spec };
}

export function configMap(data: Record<string, string>): Fields {
  return { apiVersion: 'v1', kind: 'ConfigMap', metadata: metadata(), data };
}

export function networkPolicyOf(spec: Fields, meta: Fields = {}): Fields {
  return {
    apiVersion: 'networking.k8s.io/v1',
    kind: 'NetworkPolicy',
    metadata: metadata({ name: 'rules', ...meta }),
    spec,
  };
}

export function budgetOf(selector: unknown, meta: Fields = {}): Fields {
  return {
    apiVersion: 'policy/v1',
    kind: 'PodDisruptionBudget',
    metadata: metadata(meta),
    spec: { maxUnavailable: 1, selector },
  };
}

export function autoscalerOf(name: string, minReplicas: number): Fields {
  return {
    apiVersion: 'autoscaling/v2',
    kind: 'HorizontalPodAutoscaler',
    metadata: metadata({ name }),
    spec: {
      minReplicas,
      maxReplicas: 9,
      scaleTargetRef: { apiVersion: 'apps/v1', kind: 'Deployment', name },
    },
  };
}
