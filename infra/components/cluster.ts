import type { Region, Stack } from '@mcp/stacks';
import * as pulumi from '@pulumi/pulumi';
import type { Chart } from 'cdk8s';
import { policiesChart } from '../charts/policies.ts';
import { labelsOf } from '../context.ts';
import { ChartComponent } from '../kit/bridge.ts';

export interface ClusterArgs {
  readonly stack: Stack;
  /** The regions that live in this cluster; at least one. */
  readonly regions: readonly Region[];
}

/** What a cluster has once, however many regions share it (`mcp:platform:Cluster`): the admission policies. */
export class PlatformCluster extends pulumi.ComponentResource {
  constructor(name: string, { stack, regions }: ClusterArgs, options: pulumi.ComponentResourceOptions) {
    super('mcp:platform:Cluster', name, {}, options);
    const [region] = regions;
    if (region === undefined) throw new Error(`The cluster ${name} has no region.`);
    new ChartComponent(
      `${name}-policies`,
      {
        labels: labelsOf({ stack, region }, 'policies'),
        build: (chart: Chart) => policiesChart(chart, { stack, regions }),
      },
      { parent: this },
    );
    this.registerOutputs({});
  }
}
