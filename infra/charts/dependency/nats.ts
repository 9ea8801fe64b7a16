import { busStorageBytes } from '@mcp/stacks';
import type { types } from '@pulumi/kubernetes';
import type { Chart } from 'cdk8s';
import { NATS, type RegionContext, selectorOf } from '../../context.ts';
import { add } from '../../kit/objects.ts';
import { natsSecretOf } from '../workload/environment.ts';
import { CONTAINER_SECURITY, type Container, podTemplate, resourcesOf, type Size } from '../workload/pod.ts';
import {
  CLUSTER_PASSWORD,
  clusterArguments,
  clusterEnvironment,
  clusterLines,
  isClustered,
  NATS_CLUSTER_PORT,
  NATS_CLUSTER_SECRET,
} from './nats-cluster.ts';
import {
  addLinkService,
  LINK_PASSWORD,
  linkEnvironment,
  linkLines,
  linksOf,
  linkUsers,
  NATS_LINK_PORT,
  NATS_LINK_SECRET,
  NATS_TLS_SECRET,
} from './nats-links.ts';
import { busUsers } from './nats-users.ts';

export const NATS_MONITOR_PORT = 8222;
const MAX_PAYLOAD_BYTES = 8 * 1024 * 1024;
export const NATS_SIZE: Size = {
  cpu_request: '250m',
  cpu_limit: '1',
  memory_request: '256Mi',
  memory_limit: '1Gi',
};

/** The event bus: NATS with JetStream on volumes, a user per service, links to the other regions over TLS. */
export function natsChart(chart: Chart, context: RegionContext): void {
  const { stack, settings } = context;
  if (stack.nats.external_url !== undefined) return;
  const config = natsConfig(context);
  add(chart, 'account', {
    kind: 'ServiceAccount',
    metadata: { name: NATS },
    automountServiceAccountToken: false,
  });
  const ports = [
    { name: 'client', port: stack.nats.port },
    { name: 'monitor', port: NATS_MONITOR_PORT },
    ...(settings.nats.replicas > 1 ? [{ name: 'cluster', port: NATS_CLUSTER_PORT }] : []),
    ...(linksOf(context).some((link) => !link.dials) ? [{ name: 'link', port: NATS_LINK_PORT }] : []),
  ];
  for (const headless of [false, true])
    add(chart, headless ? 'service-headless' : 'service', {
      kind: 'Service',
      metadata: { name: headless ? `${NATS}-headless` : NATS },
      spec: {
        ...(headless ? { clusterIP: 'None', publishNotReadyAddresses: true } : { type: 'ClusterIP' }),
        selector: selectorOf(NATS),
        ports: ports.map(({ name, port }) => ({ name, port, targetPort: port })),
      },
    });
  addLinkService(chart, context);
  add(chart, 'statefulset', {
    kind: 'StatefulSet',
    metadata: { name: NATS },
    spec: {
      serviceName: `${NATS}-headless`,
      replicas: settings.nats.replicas,
      podManagementPolicy: 'Parallel',
      selector: { matchLabels: selectorOf(NATS) },
      template: podOf(context, { config, ports }),
      volumeClaimTemplates: [
        {
          metadata: { name: 'data' },
          spec: {
            accessModes: ['ReadWriteOnce'],
            resources: { requests: { storage: `${settings.nats.storage_gib}Gi` } },
            ...(settings.storage_class === undefined ? {} : { storageClassName: settings.storage_class }),
          },
        },
      ],
    },
  });
  if (settings.nats.replicas > 1)
    add(chart, 'budget', {
      kind: 'PodDisruptionBudget',
      metadata: { name: NATS },
      spec: { maxUnavailable: 1, selector: { matchLabels: selectorOf(NATS) } },
    });
}

function podOf(
  context: RegionContext,
  { config, ports }: { config: string; ports: readonly { name: string; port: number }[] },
): types.input.core.v1.PodTemplateSpec {
  const { settings } = context;
  const users = busUsers(context);
  const linked = linksOf(context).length > 0;
  const certified = needsCertificate(context);
  const monitor = (path: string) => ({ httpGet: { path, port: 'monitor' }, timeoutSeconds: 3 });
  const server: Container = {
    name: NATS,
    image: context.images.other(settings.nats.image),
    imagePullPolicy: 'IfNotPresent',
    args: ['--config', '/etc/nats/nats.conf', '--name', '$(POD_NAME)', ...clusterArguments(context)],
    env: [
      { name: 'POD_NAME', valueFrom: { fieldRef: { fieldPath: 'metadata.name' } } },
      ...users.map(({ name }) => ({
        name: passwordVariable(name),
        valueFrom: { secretKeyRef: { name: natsSecretOf(name), key: 'password' } },
      })),
      ...(linked
        ? [
            {
              name: LINK_PASSWORD,
              valueFrom: { secretKeyRef: { name: NATS_LINK_SECRET.object, key: NATS_LINK_SECRET.key } },
            },
            ...linkEnvironment(context),
          ]
        : []),
      ...(isClustered(context)
        ? [
            {
              name: CLUSTER_PASSWORD,
              valueFrom: {
                secretKeyRef: { name: NATS_CLUSTER_SECRET.object, key: NATS_CLUSTER_SECRET.key },
              },
            },
            ...clusterEnvironment(context),
          ]
        : []),
    ],
    ports: ports.map(({ name, port }) => ({ name, containerPort: port })),
    resources: resourcesOf(context, NATS_SIZE),
    securityContext: CONTAINER_SECURITY,
    startupProbe: { ...monitor('/healthz'), periodSeconds: 2, failureThreshold: 90 },
    readinessProbe: { ...monitor('/healthz?js-server-only=true'), periodSeconds: 5 },
    livenessProbe: { ...monitor('/healthz?js-enabled-only=true'), periodSeconds: 15 },
    lifecycle: { preStop: { sleep: { seconds: 2 } } },
    volumeMounts: [
      { name: 'config', mountPath: '/etc/nats', readOnly: true },
      { name: 'data', mountPath: '/data' },
      ...(certified ? [{ name: 'tls', mountPath: '/etc/nats-tls', readOnly: true }] : []),
    ],
  };
  return podTemplate(context, {
    name: NATS,
    service_account: NATS,
    grace_s: 60,
    priority: 'infrastructure',
    files: { 'nats.conf': config },
    containers: [server],
    volumes: certified ? [{ name: 'tls', secret: { secretName: NATS_TLS_SECRET } }] : [],
  });
}

/** Whether a region's servers prove themselves by certificate: to each other, or to those of other regions. */
function needsCertificate(context: RegionContext): boolean {
  return isClustered(context) || linksOf(context).length > 0;
}

function passwordVariable(name: string): string {
  return `${name.toUpperCase().replaceAll('-', '_')}_PASSWORD`;
}

/** nats.conf; passwords come from the environment, so none is in it. */
function natsConfig(context: RegionContext): string {
  const { stack, region, settings } = context;
  const lines = [
    `port: ${stack.nats.port}`,
    `http_port: ${NATS_MONITOR_PORT}`,
    `max_payload: ${MAX_PAYLOAD_BYTES}`,
    `server_tags: ["region:${region.name}", "residency:${region.residency}"]`,
    'jetstream {',
    // Of its own in every region: what happens to one leaves the others alone.
    `  domain: ${JSON.stringify(region.name)}`,
    '  store_dir: "/data"',
    '  sync_interval: always',
    '  max_memory_store: 128MB',
    `  max_file_store: ${busStorageBytes(settings)}`,
    '}',
    'authorization {',
    '  users = [',
    ...busUsers(context).map(
      ({ name, permissions }) =>
        `    { user: ${JSON.stringify(name)}, password: $${passwordVariable(name)}, permissions: ${JSON.stringify(permissions)} }`,
    ),
    ...linkUsers(context).map((user) => `    ${user}`),
    '  ]',
    '}',
  ];
  lines.push(...clusterLines(context), ...linkLines(context));
  return `${lines.join('\n')}\n`;
}
