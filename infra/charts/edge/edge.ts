import { SOCKET_PATH } from '@mcp/contracts';
import { services } from '@mcp/stacks';
import type { Chart } from 'cdk8s';
import type { RegionContext } from '../../context.ts';
import { addCustom } from '../../kit/objects.ts';

const EDGE = 'mcp';
const GATEWAY = services.gateway;
const CANARY_HEADER = 'x-mcp-canary';
const HTTP_PORT = 80;
const HTTPS_PORT = 443;

interface Path {
  readonly type: 'Exact' | 'PathPrefix';
  readonly value: string;
}
interface Route {
  readonly name: string;
  readonly path: Path;
  /** Whether Envoy reads a request's body in full before it passes it on: a bound, but an upgrade never ends its body. */
  readonly buffered: boolean;
}
const ROUTES: readonly Route[] = [
  { name: GATEWAY.name, path: { type: 'PathPrefix', value: '/' }, buffered: true },
  { name: `${GATEWAY.name}-socket`, path: { type: 'Exact', value: SOCKET_PATH }, buffered: false },
];

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
  for (const route of ROUTES) {
    const suffix = route.name.slice(GATEWAY.name.length);
    addCustom(chart, `route${suffix}`, {
      apiVersion: 'gateway.networking.k8s.io/v1',
      kind: 'HTTPRoute',
      metadata: { name: route.name },
      spec: {
        parentRefs: [{ group: 'gateway.networking.k8s.io', kind: 'Gateway', name: EDGE }],
        // Plain HTTP is for a machine of one's own, where there may be no name.
        ...(tls === undefined ? {} : { hostnames: [hostname] }),
        rules: rulesOf(context, route),
      },
    });
    if (settings.features.envoy_policies) addLimits(chart, context, { route, suffix });
  }
}

function rulesOf({ stack, settings }: RegionContext, { path }: Route): object[] {
  const backend = (name: string, weight: number) => ({
    group: '',
    kind: 'Service',
    name,
    port: GATEWAY.port,
    weight,
  });
  const timeouts = { request: `${stack.limits.request_timeout_ms / 1000}s` };
  const rule = (matches: object[], backendRefs: object[]) => ({ matches, backendRefs, timeouts });
  if (!settings.canary.enabled) return [rule([{ path }], [backend(GATEWAY.name, 100)])];
  const canary = `${GATEWAY.name}-canary`;
  const header = (value: string) => ({
    path,
    headers: [{ type: 'Exact', name: CANARY_HEADER, value }],
  });
  const { weight } = settings.canary;
  return [
    rule([header('always')], [backend(canary, 1)]),
    rule([header('never')], [backend(GATEWAY.name, 1)]),
    rule([{ path }], [backend(GATEWAY.name, 100 - weight), backend(canary, weight)]),
  ];
}

/**
 * Limits before a request reaches a pod of ours: rate, and body size where that does not stop an upgrade (a rule of
 * Envoy Gateway's since 1.8); a pod that is gone is tried again elsewhere.
 */
function addLimits(
  chart: Chart,
  { stack, settings }: RegionContext,
  { route, suffix }: { route: Route; suffix: string },
): void {
  addCustom(chart, `backend-policy${suffix}`, {
    apiVersion: 'gateway.envoyproxy.io/v1alpha1',
    kind: 'BackendTrafficPolicy',
    metadata: { name: `${EDGE}${suffix}` },
    spec: {
      targetRefs: [{ group: 'gateway.networking.k8s.io', kind: 'HTTPRoute', name: route.name }],
      rateLimit: {
        type: 'Local',
        local: { rules: [{ limit: { requests: settings.edge.requests_per_second, unit: 'Second' } }] },
      },
      ...(route.buffered
        ? { requestBuffer: { limit: `${Math.ceil((stack.limits.max_body_bytes + 1) / 1024)}Ki` } }
        : {}),
      retry: {
        numRetries: 3,
        retryOn: { triggers: ['connect-failure', 'refused-stream', 'reset-before-request'] },
        perRetry: { backOff: { baseInterval: '50ms', maxInterval: '1s' } },
      },
      timeout: { http: { requestTimeout: `${stack.limits.request_timeout_ms / 1000}s` } },
    },
  });
}
