import { clusterImagePolicy, GITHUB_ISSUER } from '../images/cluster-image-policy.ts';
import { paramsOf } from '../params.ts';
import {
  autoscalerOf,
  budgetOf,
  configMap,
  container,
  cronJob,
  DIGEST,
  deployment,
  IMAGE,
  LABELS,
  networkPolicyOf,
  pod,
  running,
  secured,
  service,
} from './objects.ts';

/** An object and what a rule holds against it, one detail per violation; none: it passes. */
interface Example {
  readonly what: string;
  readonly object: unknown;
  readonly refused: readonly string[];
  readonly params?: ReturnType<typeof paramsOf>;
  readonly all?: readonly unknown[];
}
const passes = (what: string, object: unknown, more: Partial<Example> = {}): Example => ({
  what,
  object,
  refused: [],
  ...more,
});
const fails = (
  object: unknown,
  refused: string | readonly string[],
  more: Partial<Example> = {},
): Example => ({
  what: [refused].flat().join('; '),
  object,
  refused: [refused].flat(),
  ...more,
});
const image = (reference: string) => running(container({ image: reference }));
const byTag = paramsOf({ allowed_registries: ['docker.io/library/'], by_digest: false });
const env = (name: string, value: string) => running(container({ env: [{ name, value }] }));
const CREDENTIAL = 'holds what looks like a credential';
const policy = clusterImagePolicy({
  owner: 'prod',
  repository: 'ghcr.io/acme/mcp',
  issuer: GITHUB_ISSUER,
  subject_regexp: '^https://github[.]com/acme/mcp/.*@refs/heads/main$',
});
const unsigned = `container core has the image ${IMAGE}, which no ClusterImagePolicy covers`;
const both = networkPolicyOf({ podSelector: {}, policyTypes: ['Ingress', 'Egress'] });
const selector = (operator: string, values?: string[]) => ({
  matchExpressions: [{ key: 'app.kubernetes.io/name', operator, ...(values && { values }) }],
});

/** At least one passing and one failing example per rule; each goes through TypeScript and Rego. */
export const EXAMPLES: Readonly<Record<string, readonly Example[]>> = {
  'image-registry': [
    passes('an image of ours', image(IMAGE)),
    fails(image('docker.io/library/nats:2'), 'container core has the image docker.io/library/nats:2'),
    fails(image('ghcr.io/acme-evil/core:1'), 'container core has the image ghcr.io/acme-evil/core:1'),
    fails(image('evil.io/ghcr.io/acme/x:1'), 'container core has the image evil.io/ghcr.io/acme/x:1'),
    fails(
      pod({ initContainers: [container({ name: 'init', image: 'nats:2' })] }),
      'container init has the image nats:2',
    ),
    fails(
      pod({ ephemeralContainers: [{ name: 'debug', image: 'busybox' }] }),
      'container debug has the image busybox',
    ),
    fails(running(container({ image: undefined })), 'container core has the image '),
  ],
  'image-tag': [
    passes('a digest without a tag', image(IMAGE)),
    passes('a registry with a port', image('localhost:5000/core:0.1.0')),
    passes('a tag that only begins with latest', image('docker.io/library/nats:latest-2')),
    fails(image('ghcr.io/acme/core:latest'), 'container core has the tag latest in ghcr.io/acme/core:latest'),
    fails(image('ghcr.io/acme/core'), 'container core has neither tag nor digest in ghcr.io/acme/core'),
    fails(image('localhost:5000/core'), 'container core has neither tag nor digest in localhost:5000/core'),
    fails(image(`core:latest@${DIGEST}`), `container core has the tag latest in core:latest@${DIGEST}`),
  ],
  'image-digest': [
    passes('a digest', image(IMAGE)),
    passes('a tag, where the stack runs by tag', image('ghcr.io/acme/core:0.1.0'), { params: byTag }),
    fails(image('ghcr.io/acme/core:0.1.0'), 'container core has no sha256 digest in ghcr.io/acme/core:0.1.0'),
    fails(image('core@sha256:12'), 'container core has no sha256 digest in core@sha256:12'),
  ],
  'restricted-pods': [
    passes('a restricted pod', pod()),
    passes('a low port', running(secured({ capabilities: { drop: ['ALL'], add: ['NET_BIND_SERVICE'] } }))),
    fails(running(secured({ privileged: true })), 'container core is privileged'),
    fails(running(secured({ runAsNonRoot: false })), 'container core lacks runAsNonRoot: true'),
    fails(running(secured({ runAsUser: 0 })), 'container core has runAsUser 0'),
    fails(
      running(secured({ allowPrivilegeEscalation: true })),
      'container core lacks allowPrivilegeEscalation: false',
    ),
    fails(
      running(secured({ capabilities: { drop: ['NET_RAW'] } })),
      'container core does not drop ALL capabilities',
    ),
    fails(
      running(secured({ capabilities: { drop: ['ALL'], add: ['SYS_ADMIN'] } })),
      'container core adds the capability SYS_ADMIN',
    ),
    fails(
      running(secured({ seccompProfile: { type: 'Unconfined' } })),
      'container core lacks the seccomp profile RuntimeDefault',
    ),
    fails(running(secured({ procMount: 'Unmasked' })), 'container core has a procMount that is not Default'),
    fails(cronJob({ hostNetwork: true }), 'the pod has hostNetwork'),
    fails(pod({ hostPID: true, hostIPC: true }), ['the pod has hostIPC', 'the pod has hostPID']),
    fails(pod({ securityContext: {} }), [
      'container core lacks runAsNonRoot: true',
      'container core lacks the seccomp profile RuntimeDefault',
    ]),
    fails(pod({ containers: [{ name: 'bare', image: IMAGE }], securityContext: { runAsUser: 0 } }), [
      'container bare does not drop ALL capabilities',
      'container bare lacks allowPrivilegeEscalation: false',
      'container bare lacks readOnlyRootFilesystem: true',
      'container bare lacks runAsNonRoot: true',
      'container bare lacks the seccomp profile RuntimeDefault',
      'the pod has runAsUser 0',
    ]),
  ],
  'resources-set': [
    passes('both set', pod()),
    passes(
      'a debug container, which can have none',
      pod({ ephemeralContainers: [{ name: 'debug', image: IMAGE }] }),
    ),
    fails(
      running(container({ resources: { requests: { cpu: '1', memory: '1Gi' }, limits: { cpu: '1' } } })),
      ['container core has no limits.memory'],
    ),
    fails(cronJob({ containers: [container({ resources: undefined })] }), [
      'container core has no limits.cpu',
      'container core has no limits.memory',
      'container core has no requests.cpu',
      'container core has no requests.memory',
    ]),
  ],
  'required-labels': [
    passes('all on object and pod', deployment()),
    passes('a pod', pod()),
    passes(
      'what a controller made, by its pods',
      deployment({}, { labels: {}, ownerReferences: [{ kind: 'Canary', name: 'core', controller: true }] }),
    ),
    fails(
      pod({}, { labels: { ...LABELS, 'mcp.platform/residency': '' } }),
      'the pod lacks the label mcp.platform/residency',
    ),
    fails(
      deployment({}, { labels: undefined }),
      Object.keys(LABELS).map((key) => `the object lacks the label ${key}`),
    ),
    fails(
      pod(
        {},
        { labels: undefined, ownerReferences: [{ kind: 'ReplicaSet', name: 'core-1', controller: true }] },
      ),
      Object.keys(LABELS).map((key) => `the pod lacks the label ${key}`),
    ),
  ],
  'service-types': [
    passes('a ClusterIP', service({ type: 'ClusterIP' })),
    passes('no type', service()),
    passes('the edge', service({ type: 'LoadBalancer' }, 'edge')),
    fails(service({ type: 'NodePort' }), 'Service core is a NodePort'),
    fails(service({ type: 'LoadBalancer' }), 'Service core is a LoadBalancer'),
    fails(service({ externalIPs: ['203.0.113.7'] }), 'Service core has externalIPs'),
  ],
  'no-host-path': [
    passes('an emptyDir', pod({ volumes: [{ name: 'tmp', emptyDir: {} }] })),
    fails(cronJob({ volumes: [{ name: 'root', hostPath: { path: '/' } }] }), 'volume root is a hostPath'),
    fails(
      running(container({ ports: [{ containerPort: 80, hostPort: 80 }] })),
      'container core has a hostPort',
    ),
  ],
  'residency-nodes': [
    passes('EU on EU nodes', pod()),
    passes('any, anywhere', pod({ nodeSelector: {} }, { labels: { 'mcp.platform/residency': 'any' } })),
    fails(
      pod({ nodeSelector: { 'residency.mcp.platform/us': 'true' } }),
      'the pod of residency eu lacks the nodeSelector residency.mcp.platform/eu: "true"',
    ),
    fails(
      cronJob({ nodeSelector: undefined }),
      'the pod of residency eu lacks the nodeSelector residency.mcp.platform/eu: "true"',
    ),
  ],
  'no-secrets-in-env': [
    passes(
      'a reference',
      running(container({ env: [{ name: 'MCP_PROV_SECRET', valueFrom: { secretKeyRef: {} } }] })),
    ),
    passes('a value that refers to another', env('DATABASE_URL', 'postgres://mcp:$(PASSWORD)@db/mcp')),
    passes('a path to a secret', env('TLS_KEY_FILE', '/etc/tls/key.pem')),
    passes('a number of tokens', env('MCP_MAX_TOKENS', '4096')),
    passes('an empty secret', env('OPENAI_API_KEY', '')),
    passes('a URL with a port and an @ in its path', env('ENDPOINT', 'http://core:8080/users/a@b')),
    passes(
      'a plain ConfigMap',
      configMap({ MCP_LOG_LEVEL: 'info', 'nats.conf': 'url: nats://core:$PASS@nats' }),
    ),
    fails(
      env('MCP_CORE_SIGNING_KEY', 'abc'),
      'container core: variable MCP_CORE_SIGNING_KEY holds a secret in clear',
    ),
    fails(env('openai_api_key', 'abc'), 'container core: variable openai_api_key holds a secret in clear'),
    fails(env('DATABASE_URL', 'sqlite:x'), 'container core: variable DATABASE_URL holds a secret in clear'),
    fails(env('URL', 'amqp://mcp:hunter2@mq/'), `container core: variable URL ${CREDENTIAL}`),
    fails(env('NOTE', `use sk-${'a1'.repeat(12)}`), `container core: variable NOTE ${CREDENTIAL}`),
    fails(env('PEM', '-----BEGIN EC PRIVATE KEY-----\nMHc'), `container core: variable PEM ${CREDENTIAL}`),
    fails(configMap({ MCP_ADMIN_KEY_HASH: 'ab' }), 'key MCP_ADMIN_KEY_HASH holds a secret in clear'),
    fails(configMap({ ADMIN_PASSWORD: 'hunter2' }), 'key ADMIN_PASSWORD holds a secret in clear'),
    fails(configMap({ 'app.yaml': `key: ghp_${'x'.repeat(36)}` }), `key app.yaml ${CREDENTIAL}`),
    fails(
      running(container({ args: ['--url', 'nats://core:hunter2@nats:4222'] })),
      'container core: the command line holds what looks like a credential',
    ),
  ],
  'network-policy': [
    passes('a policy for both', pod(), { all: [both] }),
    passes('one for each', deployment(), {
      all: [
        networkPolicyOf({ podSelector: { matchLabels: { 'mcp.platform/region': 'eu-central' } } }),
        networkPolicyOf({ podSelector: selector('In', ['core']), policyTypes: ['Egress'] }, { name: 'out' }),
      ],
    }),
    passes('egress rules without types', cronJob(), { all: [networkPolicyOf({ egress: [] })] }),
    fails(pod(), [
      'no NetworkPolicy for Egress selects the pod',
      'no NetworkPolicy for Ingress selects the pod',
    ]),
    fails(pod(), 'no NetworkPolicy for Egress selects the pod', {
      all: [networkPolicyOf({ podSelector: {} })],
    }),
    fails(
      pod(),
      ['no NetworkPolicy for Egress selects the pod', 'no NetworkPolicy for Ingress selects the pod'],
      {
        all: [networkPolicyOf({ egress: [] }, { namespace: 'other' })],
      },
    ),
    fails(
      cronJob(),
      ['no NetworkPolicy for Egress selects the pod', 'no NetworkPolicy for Ingress selects the pod'],
      {
        all: [networkPolicyOf({ podSelector: selector('NotIn', ['core']), egress: [] })],
      },
    ),
  ],
  'disruption-budget': [
    passes('one replica', deployment({ replicas: 1 })),
    passes('a budget', deployment({ replicas: 3 }), {
      all: [budgetOf({ matchLabels: { 'mcp.platform/region': 'eu-central' } })],
    }),
    passes('an autoscaler of another', deployment(), { all: [autoscalerOf('gateway', 2)] }),
    fails(deployment({ replicas: 3 }), '3 replicas have no PodDisruptionBudget'),
    fails(deployment(), '2 replicas have no PodDisruptionBudget', { all: [autoscalerOf('core', 2)] }),
    fails(deployment({ replicas: 2 }), '2 replicas have no PodDisruptionBudget', {
      all: [budgetOf(selector('DoesNotExist')), budgetOf({}, { namespace: 'other' })],
    }),
  ],
  'signed-images': [
    passes('a policy for the repository', deployment(), { all: [policy] }),
    passes('an image of others', image('docker.io/library/nats:2')),
    fails(deployment(), unsigned),
    fails(deployment(), unsigned, { all: [{ ...policy, spec: { ...policy.spec, mode: 'warn' } }] }),
    fails(deployment(), unsigned, {
      all: [{ ...policy, spec: { ...policy.spec, images: [{ glob: 'ghcr.io/acme/*' }] } }],
    }),
    fails(deployment(), unsigned, {
      all: [{ ...policy, spec: { ...policy.spec, authorities: [{ static: { action: 'pass' } }] } }],
    }),
  ],
};
