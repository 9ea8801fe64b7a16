import { services } from '@mcp/stacks';
import type { Chart } from 'cdk8s';
import type { RegionContext } from '../context.ts';
import { addCustom } from '../kit/objects.ts';

const EDGE = 'mcp';
const GATEWAY = services.gateway;
const CANARY_HEADER = 'x-mcp-canary';
const HTTP_PORT = 80;
const HTTPS_PORT = 443;

/** Host name of a region: the stack's, or one below it where there are several regions. */
function hostNameOf({ stack, region }: Pick<RegionContext, 'stack' | 'region'>): string {
  const { host } = stack.kubernetes.edge;
  return stack.regions.length === 1 ? host : `${region.name}.${host}`;
}

/** Base URL of a region's gateway, for clients. */
export function urlOf(context: Pick<RegionContext, 'stack' | 'region'>): string {
  const tls = context.stack.kubernetes.edge.tls_secret !== undefined;
  return `${tls ? 'https' : 'http'}://${hostNameOf(context)}`;
}

/** Gateway and HTTPRoute: TLS, the canary by header and by weight, limits. */
export function edgeChart(chart: Chart, context: RegionContext): void {
  const { settings } = context;
  if (!settings.features.gateway_api) return;
  const tls = settings.edge.tls_secret;
  const hostname = hostNameOf(context);
  const here = { namespaces: { from: 'Same' } };
  addCustom(chart, 'gateway', {
    apiVersion: 'gateway.networking.k8s.io/v1',
    kind: 'Gateway',
    metadata: { name: EDGE },
    spec: {
      gatewayClassName: settings.edge.gateway_class,
      listeners: [
        tls === undefined
          ? { name: 'http', port: HTTP_PORT, protocol: 'HTTP', allowedRoutes: here }
          : {
              name: 'https',
              port: HTTPS_PORT,
              protocol: 'HTTPS',
              hostname,
              allowedRoutes: here,
              tls: { mode: 'Terminate', certificateRefs: [{ kind: 'Secret', group: '', name: tls }] },
            },
      ],
    },
  });
  addCustom(chart, 'route', {
    apiVersion: 'gateway.networking.k8s.io/v1',
    kind: 'HTTPRoute',
    metadata: { name: GATEWAY.name },
    spec: {
      parentRefs: [{ group: 'gateway.networking.k8s.io', kind: 'Gateway', name: EDGE }],
      // Plain HTTP is for a machine of one's own, where there may be no name.
      ...(tls === undefined ? {} : { hostnames: [hostname] }),
      rules: rulesOf(context),
    },
  });
  if (settings.features.envoy_policies) addLimits(chart, context);
}

function rulesOf({ stack, settings }: RegionContext): object[] {
  const backend = (name: string, weight: number) => ({
    group: '',
    kind: 'Service',
    name,
    port: GATEWAY.port,
    weight,
  });
  const prefix = { type: 'PathPrefix', value: '/' };
  const timeouts = { request: `${stack.limits.request_timeout_ms / 1000}s` };
  const rule = (matches: object[], backendRefs: object[]) => ({ matches, backendRefs, timeouts });
  if (!settings.canary.enabled) return [rule([{ path: prefix }], [backend(GATEWAY.name, 100)])];
  const canary = `${GATEWAY.name}-canary`;
  const header = (value: string) => ({
    path: prefix,
    headers: [{ type: 'Exact', name: CANARY_HEADER, value }],
  });
  const { weight } = settings.canary;
  return [
    rule([header('always')], [backend(canary, 1)]),
    rule([header('never')], [backend(GATEWAY.name, 1)]),
    rule([{ path: prefix }], [backend(GATEWAY.name, 100 - weight), backend(canary, weight)]),
  ];
}

/** Limits before a request reaches a pod of ours: rate and body size (Envoy Gateway); a pod that is gone is tried again elsewhere. */
function addLimits(chart: Chart, { stack, settings }: RegionContext): void {
  addCustom(chart, 'backend-policy', {
    apiVersion: 'gateway.envoyproxy.io/v1alpha1',
    kind: 'BackendTrafficPolicy',
    metadata: { name: EDGE },
    spec: {
      targetRefs: [{ group: 'gateway.networking.k8s.io', kind: 'HTTPRoute', name: GATEWAY.name }],
      rateLimit: {
        type: 'Local',
        local: { rules: [{ limit: { requests: settings.edge.requests_per_second, unit: 'Second' } }] },
      },
      requestBuffer: { limit: `${Math.ceil((stack.limits.max_body_bytes + 1) / 1024)}Ki` },
      retry: {
        numRetries: 3,
        retryOn: { triggers: ['connect-failure', 'refused-stream', 'reset-before-request'] },
        perRetry: { backOff: { baseInterval: '50ms', maxInterval: '1s' } },
      },
      timeout: { http: { requestTimeout: `${stack.limits.request_timeout_ms / 1000}s` } },
    },
  });
}
