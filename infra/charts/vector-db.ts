import type { Chart } from 'cdk8s';
import { type RegionContext, selectorOf, VECTOR_DB } from '../context.ts';
import { add } from '../kit/objects.ts';
import { CONTAINER_SECURITY, type Container, podTemplate, resourcesOf } from './pod.ts';
import { VECTOR_DB_SECRET } from './secrets.ts';

interface Engine {
  readonly port: number;
  readonly env: Container['env'];
  readonly args?: string[];
  readonly live: string;
  readonly ready: string;
  readonly metrics_port: number;
  /** Where it keeps data, and directories it must be able to write beside that. */
  readonly data: string;
  readonly writable: readonly string[];
  /** A script that asks it for a snapshot with the key in API_KEY; run by the platform's own image. */
  readonly snapshot: string;
}

const SIZE = { cpu_request: '250m', cpu_limit: '2', memory_request: '512Mi', memory_limit: '2Gi' };
const JOB_SIZE = { cpu_request: '50m', cpu_limit: '250m', memory_request: '64Mi', memory_limit: '128Mi' };
const key = { valueFrom: { secretKeyRef: { name: VECTOR_DB_SECRET.object, key: VECTOR_DB_SECRET.key } } };
const KEEP_SNAPSHOTS = 7;

/** Qdrant and Weaviate: what differs between them. */
export const ENGINES: Readonly<Record<'qdrant' | 'weaviate', Engine>> = {
  qdrant: {
    port: 6333,
    env: [
      { name: 'QDRANT__SERVICE__API_KEY', ...key },
      { name: 'QDRANT__STORAGE__STORAGE_PATH', value: '/data/storage' },
      { name: 'QDRANT__STORAGE__SNAPSHOTS_PATH', value: '/data/snapshots' },
      { name: 'QDRANT__TELEMETRY_DISABLED', value: 'true' },
    ],
    live: '/livez',
    ready: '/readyz',
    metrics_port: 6333,
    data: '/data',
    writable: ['/qdrant/init'],
    snapshot: `
      const call = async (path, method = 'GET') => {
        const r = await fetch(process.env.VECTOR_URL + path, { method, headers: { 'api-key': process.env.API_KEY }, signal: AbortSignal.timeout(600000) });
        if (!r.ok) throw new Error(method + ' ' + path + ': ' + r.status);
        return (await r.json()).result;
      };
      const made = await call('/snapshots', 'POST');
      console.log('snapshot ' + made.name);
      const old = (await call('/snapshots')).sort((a, b) => a.name < b.name ? 1 : -1).slice(${KEEP_SNAPSHOTS});
      for (const { name } of old) await call('/snapshots/' + name, 'DELETE');`,
  },
  weaviate: {
    port: 8080,
    args: ['--host', '0.0.0.0', '--port', '8080', '--scheme', 'http'],
    env: [
      { name: 'PERSISTENCE_DATA_PATH', value: '/data/storage' },
      { name: 'ENABLE_MODULES', value: 'backup-filesystem' },
      { name: 'BACKUP_FILESYSTEM_PATH', value: '/data/snapshots' },
      { name: 'DEFAULT_VECTORIZER_MODULE', value: 'none' },
      { name: 'AUTHENTICATION_ANONYMOUS_ACCESS_ENABLED', value: 'false' },
      { name: 'AUTHENTICATION_APIKEY_ENABLED', value: 'true' },
      { name: 'AUTHENTICATION_APIKEY_ALLOWED_KEYS', ...key },
      { name: 'AUTHENTICATION_APIKEY_USERS', value: 'mcp' },
      { name: 'AUTHORIZATION_ADMINLIST_ENABLED', value: 'true' },
      { name: 'AUTHORIZATION_ADMINLIST_USERS', value: 'mcp' },
      { name: 'PROMETHEUS_MONITORING_ENABLED', value: 'true' },
      { name: 'PROMETHEUS_MONITORING_PORT', value: '2112' },
      { name: 'DISABLE_TELEMETRY', value: 'true' },
      { name: 'CLUSTER_HOSTNAME', value: VECTOR_DB },
      { name: 'CLUSTER_ADVERTISE_ADDR', valueFrom: { fieldRef: { fieldPath: 'status.podIP' } } },
    ],
    live: '/v1/.well-known/live',
    ready: '/v1/.well-known/ready',
    metrics_port: 2112,
    data: '/data',
    writable: [],
    snapshot: `
      const id = 'mcp-' + new Date().toISOString().slice(0, 19).replace(/[^0-9]/g, '');
      const call = async (path, method = 'GET', body) => {
        const r = await fetch(process.env.VECTOR_URL + '/v1' + path, { method, body, headers: { authorization: 'Bearer ' + process.env.API_KEY, 'content-type': 'application/json' }, signal: AbortSignal.timeout(60000) });
        if (!r.ok) throw new Error(method + ' ' + path + ': ' + r.status + ' ' + (await r.text()).slice(0, 200));
        return r.json();
      };
      if (((await call('/schema')).classes ?? []).length === 0) { console.log('nothing is stored yet'); process.exit(0); }
      await call('/backups/filesystem', 'POST', JSON.stringify({ id }));
      for (let i = 0; i < 120; i++) {
        const { status, error } = await call('/backups/filesystem/' + id);
        if (status === 'SUCCESS') { console.log('snapshot ' + id); process.exit(0); }
        if (status === 'FAILED') throw new Error(error);
        await new Promise((done) => setTimeout(done, 5000));
      }
      throw new Error('the snapshot ' + id + ' did not end within 10 minutes');`,
  },
};

/** The vector database of the stack's choice, with API key, volume and scheduled snapshots. */
export function vectorDbChart(chart: Chart, context: RegionContext): void {
  const { settings } = context;
  if (settings.vector_db.external_url !== undefined) return;
  const engine = ENGINES[settings.vector_db.engine];
  add(chart, 'account', {
    kind: 'ServiceAccount',
    metadata: { name: VECTOR_DB },
    automountServiceAccountToken: false,
  });
  add(chart, 'service', {
    kind: 'Service',
    metadata: { name: VECTOR_DB },
    spec: {
      type: 'ClusterIP',
      selector: selectorOf(VECTOR_DB),
      ports: [{ name: 'http', port: engine.port, targetPort: 'http' }],
    },
  });
  add(chart, 'statefulset', {
    kind: 'StatefulSet',
    metadata: { name: VECTOR_DB },
    spec: {
      serviceName: VECTOR_DB,
      replicas: 1,
      selector: { matchLabels: selectorOf(VECTOR_DB) },
      template: podTemplate(context, {
        name: VECTOR_DB,
        service_account: VECTOR_DB,
        grace_s: 60,
        priority: 'infrastructure',
        metrics_port: engine.metrics_port,
        containers: [databaseOf(context, engine)],
        volumes: [
          { name: 'tmp', emptyDir: { sizeLimit: '1Gi' } },
          ...engine.writable.map((_, at) => ({ name: `writable-${at}`, emptyDir: { sizeLimit: '64Mi' } })),
        ],
      }),
      volumeClaimTemplates: [
        {
          metadata: { name: 'data' },
          spec: {
            accessModes: ['ReadWriteOnce'],
            resources: { requests: { storage: `${settings.vector_db.storage_gib}Gi` } },
            ...(settings.storage_class === undefined ? {} : { storageClassName: settings.storage_class }),
          },
        },
      ],
    },
  });
  addSnapshots(chart, context, engine);
}

function databaseOf(context: RegionContext, engine: Engine): Container {
  const probe = (path: string) => ({ httpGet: { path, port: 'http' }, timeoutSeconds: 3 });
  return {
    name: VECTOR_DB,
    image: context.images.other(context.settings.vector_db.image),
    imagePullPolicy: 'IfNotPresent',
    ...(engine.args === undefined ? {} : { args: engine.args }),
    env: engine.env,
    ports: [
      { name: 'http', containerPort: engine.port },
      ...(engine.metrics_port === engine.port
        ? []
        : [{ name: 'metrics', containerPort: engine.metrics_port }]),
    ],
    resources: resourcesOf(context, SIZE),
    securityContext: CONTAINER_SECURITY,
    startupProbe: { ...probe(engine.live), periodSeconds: 2, failureThreshold: 90 },
    readinessProbe: { ...probe(engine.ready), periodSeconds: 5 },
    livenessProbe: { ...probe(engine.live), periodSeconds: 15 },
    volumeMounts: [
      { name: 'data', mountPath: engine.data },
      { name: 'tmp', mountPath: '/tmp' },
      ...engine.writable.map((path, at) => ({ name: `writable-${at}`, mountPath: path })),
    ],
  };
}

function addSnapshots(chart: Chart, context: RegionContext, engine: Engine): void {
  const name = `${VECTOR_DB}-snapshot`;
  add(chart, 'snapshots', {
    kind: 'CronJob',
    metadata: { name },
    spec: {
      schedule: context.settings.vector_db.backup_schedule,
      concurrencyPolicy: 'Forbid',
      successfulJobsHistoryLimit: 1,
      failedJobsHistoryLimit: 3,
      jobTemplate: {
        spec: {
          backoffLimit: 3,
          activeDeadlineSeconds: 1800,
          template: podTemplate(context, {
            name,
            service_account: VECTOR_DB,
            priority: 'batch',
            restart: 'OnFailure',
            containers: [
              {
                name: 'snapshot',
                image: context.images.service('governance'),
                imagePullPolicy: 'IfNotPresent',
                command: ['node', '--input-type=module', '--eval', engine.snapshot],
                env: [
                  { name: 'VECTOR_URL', value: `http://${VECTOR_DB}:${engine.port}` },
                  { name: 'API_KEY', ...key },
                ],
                resources: resourcesOf(context, JOB_SIZE),
                securityContext: CONTAINER_SECURITY,
              },
            ],
          }),
        },
      },
    },
  });
}
