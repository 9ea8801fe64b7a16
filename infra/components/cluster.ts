import type { Region, Stack } from '@mcp/stacks';
import * as pulumi from '@pulumi/pulumi';
import type { Chart } from 'cdk8s';
import { policiesChart } from '../charts/policies.ts';
import { clusterLabelsOf } from '../context.ts';
import { ChartComponent } from '../kit/bridge.ts';

export interface ClusterArgs {
  readonly stack: Stack;
  /** The regions that live in this cluster; at least one. */
  readonly regions: readonly Region[];
}

/** Name of a cluster's component: its kube context, whichever regions are in it. */
export function clusterName(kube_context: string): string {
  return `cluster-${kube_context.replaceAll(/[^\w.-]+/g, '-')}`;
}

/** What a cluster has once, however many regions share it (`mcp:platform:Cluster`): the admission policies. */
export class PlatformCluster extends pulumi.ComponentResource {
  constructor(name: string, { stack, regions }: ClusterArgs, options: pulumi.ComponentResourceOptions) {
    super('mcp:platform:Cluster', name, {}, options);
    new ChartComponent(
      `${name}-policies`,
      {
        labels: clusterLabelsOf(stack, 'policies'),
        build: (chart: Chart) => policiesChart(chart, { stack, regions }),
      },
      { parent: this },
    );
    this.registerOutputs({});
  }
}
