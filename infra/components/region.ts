import type { Region, Stack } from '@mcp/stacks';
import * as pulumi from '@pulumi/pulumi';
import type { Chart } from 'cdk8s';
import { dependencyChart } from '../charts/dependency/chart.ts';
import { portOf, running } from '../charts/dependency/place.ts';
import { edgeChart, urlOf } from '../charts/edge/edge.ts';
import { accessChart } from '../charts/namespace/access.ts';
import { boundsChart } from '../charts/namespace/bounds.ts';
import { namespaceChart } from '../charts/namespace/namespace.ts';
import { networkChart } from '../charts/namespace/network.ts';
import { adminKey, type PlatformSecrets, secretsChart } from '../charts/namespace/secrets.ts';
import { observabilityChart } from '../charts/observability/monitors.ts';
import { gatewayCanaryChart, promotionChart } from '../charts/workload/canary.ts';
import { isPromoted, workloadChart } from '../charts/workload/workload.ts';
import { type Images, labelsOf, type RegionContext, workloads } from '../context.ts';
import { ChartComponent } from '../kit/bridge.ts';

export interface RegionArgs {
  readonly stack: Stack;
  readonly region: Region;
  readonly images: Images;
  readonly secrets: PlatformSecrets;
}

/** The platform in one region (`mcp:platform:Region`): every chart in the region's namespace, by the region's provider. */
export class PlatformRegion extends pulumi.ComponentResource {
  /** Where what is in the region is reached. */
  readonly endpoints: Readonly<Record<'gateway' | 'console' | 'nats', string>>;
  /** A command that shows the first admin key; the key itself is in no output. */
  readonly admin_key_command: string;

  constructor(name: string, args: RegionArgs, options: pulumi.ComponentResourceOptions) {
    super('mcp:platform:Region', name, {}, options);
    const { stack, region } = args;
    const context: RegionContext = {
      stack,
      region,
      settings: stack.kubernetes,
      images: args.images,
      secrets: new Set(args.secrets.keys()),
    };
    this.#charts(name, context, args.secrets);
    this.endpoints = endpointsOf(context);
    const admin = adminKey();
    this.admin_key_command = `kubectl --namespace ${region.namespace} get secret ${admin.object} --output jsonpath='{.data.${admin.key}}' | base64 --decode`;
    this.registerOutputs({ endpoints: this.endpoints, admin_key_command: this.admin_key_command });
  }

  #charts(name: string, context: RegionContext, secrets: PlatformSecrets): void {
    const make = (concept: string, build: (chart: Chart) => void, dependsOn: pulumi.Resource[] = []) =>
      new ChartComponent(
        `${name}-${concept}`,
        { namespace: context.region.namespace, labels: labelsOf(context, concept), build },
        { parent: this, dependsOn },
      );
    const namespace = make('namespace', (chart) => namespaceChart(chart, context));
    const put = (
      concept: string,
      build: (chart: Chart, context: RegionContext) => void,
      after: pulumi.Resource[] = [],
    ) => make(concept, (chart) => build(chart, context), [namespace, ...after]);
    // Pods find the policies around them, and what they read, when they start.
    const before = [
      put('network', networkChart),
      put('access', accessChart),
      put('bounds', boundsChart),
      put('secrets', (chart) => secretsChart(chart, secrets)),
    ];
    const needed = running(context.stack)
      .map((one) => ({
        one,
        component: put(one.name, (chart) => dependencyChart(chart, context, one), before),
      }))
      .filter(({ one }) => one.dependency.manifest.presence === 'required')
      .map(({ component }) => component);
    for (const workload of workloads(context.stack)) {
      const service = workload.manifest.name;
      const deployed = put(service, (chart) => workloadChart(chart, context, workload), [
        ...before,
        ...needed,
      ]);
      if (workload.manifest.public && context.settings.canary.enabled)
        put(`${service}-canary`, (chart) => gatewayCanaryChart(chart, context, workload), [deployed]);
      if (isPromoted(context, workload))
        put(`${service}-promotion`, (chart) => promotionChart(chart, context, workload), [deployed]);
    }
    put('edge', edgeChart);
    put('observability', observabilityChart);
  }
}

function endpointsOf(context: RegionContext): PlatformRegion['endpoints'] {
  const { stack, region } = context;
  const inside = (service: string, port: number) =>
    `${service}.${region.namespace}.svc.cluster.local:${port}`;
  return {
    gateway: urlOf(context),
    console: `${urlOf(context)}/`,
    nats: stack.nats.external_url ?? `nats://${inside('nats', portOf('nats', 'client'))}`,
  };
}
