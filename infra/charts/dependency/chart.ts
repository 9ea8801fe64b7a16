import type { DependencyVariable } from '@mcp/contracts';
import type { types } from '@pulumi/kubernetes';
import type { Chart } from 'cdk8s';
import { type RegionContext, selectorOf } from '../../context.ts';
import { add } from '../../kit/objects.ts';
import { CONTAINER_SECURITY, type Container, podTemplate, resourcesOf } from '../workload/pod.ts';
import {
  headlessOf,
  isCertified,
  linkServiceOf,
  listensOutside,
  nameOutside,
  openPorts,
  type Port,
  type Running,
  startIn,
} from './place.ts';

type Pod = types.input.core.v1.PodTemplateSpec;
type Probe = Running['runs']['probes']['readiness'];

const PROBE_TIMEOUT_S = 3;

/** Everything of one dependency, from its manifest: a StatefulSet where it keeps something, else a Deployment. */
export function dependencyChart(chart: Chart, context: RegionContext, one: Running): void {
  const { name, runs, here } = one;
  add(chart, 'account', { kind: 'ServiceAccount', metadata: { name }, automountServiceAccountToken: false });
  addServices(chart, context, one);
  const spec = { selector: { matchLabels: selectorOf(name) }, template: podOf(context, one) };
  if (runs.volume === undefined)
    add(chart, 'deployment', {
      kind: 'Deployment',
      metadata: { name },
      spec: { replicas: here.replicas, revisionHistoryLimit: 5, ...spec },
    });
  else
    add(chart, 'statefulset', {
      kind: 'StatefulSet',
      metadata: { name },
      spec: {
        serviceName: headlessOf(name),
        replicas: here.replicas,
        podManagementPolicy: 'Parallel',
        ...spec,
        volumeClaimTemplates: [claimOf(context, one)],
      },
    });
  if (here.replicas > 1)
    add(chart, 'budget', {
      kind: 'PodDisruptionBudget',
      metadata: { name },
      spec: { maxUnavailable: 1, selector: { matchLabels: selectorOf(name) } },
    });
}

function addServices(chart: Chart, context: RegionContext, one: Running): void {
  const { name, runs } = one;
  const selector = selectorOf(name);
  const ports = openPorts(context, one)
    .filter(({ from }) => from.length > 0)
    .map(({ name: port, number, http }) => ({
      name: port,
      port: number,
      targetPort: number,
      ...(http ? { appProtocol: 'http' } : {}),
    }));
  add(chart, 'service', {
    kind: 'Service',
    metadata: { name },
    spec: { type: 'ClusterIP', selector, ports },
  });
  if (runs.volume !== undefined)
    add(chart, 'service-headless', {
      kind: 'Service',
      metadata: { name: headlessOf(name) },
      spec: { clusterIP: 'None', publishNotReadyAddresses: true, selector, ports },
    });
  if (!listensOutside(context, name)) return;
  // The one kind of Service that is a load balancer: regions of other clusters come in there.
  const link = openPorts(context, one).filter(({ from }) => from.includes('regions'));
  add(chart, 'service-link', {
    kind: 'Service',
    metadata: {
      name: linkServiceOf(name),
      annotations: {
        'external-dns.alpha.kubernetes.io/hostname': nameOutside(context.stack, name, context.region),
      },
    },
    spec: {
      type: 'LoadBalancer',
      allocateLoadBalancerNodePorts: false,
      selector,
      ports: link.map(({ name: port, number }: Port) => ({ name: port, port: number, targetPort: number })),
    },
  });
}

function claimOf({ settings }: RegionContext, { here }: Running): types.input.core.v1.PersistentVolumeClaim {
  return {
    metadata: { name: 'data' },
    spec: {
      accessModes: ['ReadWriteOnce'],
      resources: { requests: { storage: `${here.storage_gib}Gi` } },
      ...(settings.storage_class === undefined ? {} : { storageClassName: settings.storage_class }),
    },
  };
}

function podOf(context: RegionContext, one: Running): Pod {
  const { name, dependency, runs } = one;
  const { files, args, env } = startIn(context, one);
  const { metrics, certificate } = runs;
  const certified = certificate !== undefined && isCertified(context, one);
  const scraped = dependency.manifest.ports.find((port) => port.name === metrics?.port);
  return podTemplate(context, {
    name,
    service_account: name,
    grace_s: runs.grace_s,
    priority: 'infrastructure',
    files,
    ...(scraped === undefined ? {} : { metrics_port: scraped.number }),
    containers: [
      {
        ...containerOf(context, one),
        args: [...args],
        ...(env.length === 0 ? {} : { env: env.map(variableOf) }),
        volumeMounts: [
          ...(Object.keys(files).length === 0 || runs.config_dir === undefined
            ? []
            : [{ name: 'config', mountPath: runs.config_dir, readOnly: true }]),
          ...(runs.volume === undefined ? [] : [{ name: 'data', mountPath: runs.volume.dir }]),
          ...(certified ? [{ name: 'tls', mountPath: certificate.dir, readOnly: true }] : []),
        ],
      },
    ],
    volumes: certified ? [{ name: 'tls', secret: { secretName: certificate.object } }] : [],
  });
}

function containerOf(context: RegionContext, one: Running): Container {
  const { name, runs, here } = one;
  const { probes, linger_s } = runs;
  const probe = ({ path, period_s }: Probe) => ({
    ...(path === undefined ? { tcpSocket: { port: probes.port } } : { httpGet: { path, port: probes.port } }),
    timeoutSeconds: PROBE_TIMEOUT_S,
    periodSeconds: period_s,
  });
  return {
    name,
    image: context.images.other(here.image),
    imagePullPolicy: 'IfNotPresent',
    ports: openPorts(context, one).map(({ name: port, number }) => ({ name: port, containerPort: number })),
    resources: resourcesOf(context, runs.size),
    securityContext: CONTAINER_SECURITY,
    startupProbe: { ...probe(probes.startup), failureThreshold: probes.startup.failures },
    readinessProbe: probe(probes.readiness),
    livenessProbe: probe(probes.liveness),
    ...(linger_s === undefined ? {} : { lifecycle: { preStop: { sleep: { seconds: linger_s } } } }),
  };
}

function variableOf(variable: DependencyVariable): types.input.core.v1.EnvVar {
  const { name } = variable;
  if ('value' in variable) return { name, value: variable.value };
  if ('field' in variable) return { name, valueFrom: { fieldRef: { fieldPath: variable.field } } };
  const { object, key, optional } = variable.secret;
  return {
    name,
    valueFrom: { secretKeyRef: { name: object, key, ...(optional === undefined ? {} : { optional }) } },
  };
}
