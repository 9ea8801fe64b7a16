import * as pulumi from '@pulumi/pulumi';
import type { Chart } from 'cdk8s';
import { clusterAccessChart } from '../charts/namespace/access.ts';
import { type ClusterContext, policiesChart } from '../charts/namespace/policies.ts';
import { clusterLabelsOf } from '../context.ts';
import { ChartComponent } from '../kit/bridge.ts';

/** Name of a cluster's component: its kube context, whichever regions are in it. */
export function clusterName(kube_context: string): string {
  return `cluster-${kube_context.replaceAll(/[^\w.-]+/g, '-')}`;
}

/** What a cluster has once, however many regions share it (`mcp:platform:Cluster`): the admission policies, and who reads them. */
export class PlatformCluster extends pulumi.ComponentResource {
  constructor(name: string, context: ClusterContext, options: pulumi.ComponentResourceOptions) {
    super('mcp:platform:Cluster', name, {}, options);
    const put = (concept: string, build: (chart: Chart) => void) =>
      new ChartComponent(
        `${name}-${concept}`,
        { labels: clusterLabelsOf(context.stack, concept), build },
        { parent: this },
      );
    put('policies', (chart) => policiesChart(chart, context));
    put('access', (chart) => clusterAccessChart(chart, context));
    this.registerOutputs({});
  }
}
