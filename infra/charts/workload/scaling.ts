import { type Chart, Duration } from 'cdk8s';
import {
  type Deployment,
  HorizontalPodAutoscaler,
  Metric,
  MetricTarget,
  Replicas,
  type ScalingRules,
  ScalingStrategy,
} from 'cdk8s-plus-28';
import type { RegionContext, Workload } from '../../context.ts';
import { addCustom } from '../../kit/objects.ts';
import { headlessOf, portOf } from '../dependency/place.ts';

interface Direction {
  readonly stabilizationWindowSeconds: number;
  readonly selectPolicy: 'Max' | 'Min';
  readonly policies: readonly {
    readonly type: 'Percent' | 'Pods';
    readonly value: number;
    readonly periodSeconds: number;
  }[];
}

/** Up at once and by as much as doubles, down slowly: load that comes back finds its pods. KEDA takes it as it is. */
const BEHAVIOR: Readonly<Record<'scaleUp' | 'scaleDown', Direction>> = {
  scaleUp: {
    stabilizationWindowSeconds: 0,
    selectPolicy: 'Max',
    policies: [
      { type: 'Percent', value: 100, periodSeconds: 15 },
      { type: 'Pods', value: 2, periodSeconds: 15 },
    ],
  },
  scaleDown: {
    stabilizationWindowSeconds: 60,
    selectPolicy: 'Min',
    policies: [{ type: 'Pods', value: 2, periodSeconds: 30 }],
  },
};

function rulesOf({ stabilizationWindowSeconds, selectPolicy, policies }: Direction): ScalingRules {
  return {
    stabilizationWindow: Duration.seconds(stabilizationWindowSeconds),
    strategy: selectPolicy === 'Max' ? ScalingStrategy.MAX_CHANGE : ScalingStrategy.MIN_CHANGE,
    policies: policies.map(({ type, value, periodSeconds }) => ({
      replicas: type === 'Percent' ? Replicas.percent(value) : Replicas.absolute(value),
      duration: Duration.seconds(periodSeconds),
    })),
  };
}

/** What scales a workload: CPU by an HPA, the lag of a JetStream consumer by KEDA. */
export function addScaling(
  chart: Chart,
  context: RegionContext,
  { workload, deployment }: { workload: Workload; deployment: Deployment },
): void {
  const { manifest, placement } = workload;
  const { name, scaling } = manifest;
  switch (scaling.on) {
    case 'cpu':
      new HorizontalPodAutoscaler(chart, 'autoscaler', {
        metadata: { name },
        target: deployment,
        minReplicas: placement.replicas ?? scaling.min,
        maxReplicas: scaling.max,
        metrics: [Metric.resourceCpu(MetricTarget.averageUtilization(scaling.target_percent))],
        scaleUp: rulesOf(BEHAVIOR.scaleUp),
        scaleDown: rulesOf(BEHAVIOR.scaleDown),
      });
      return;
    case 'queue':
      deployment.markHasAutoscaler();
      addCustom(chart, 'autoscaler', {
        apiVersion: 'keda.sh/v1alpha1',
        kind: 'ScaledObject',
        metadata: { name },
        spec: {
          scaleTargetRef: { name },
          minReplicaCount: placement.replicas ?? scaling.min,
          maxReplicaCount: scaling.max,
          pollingInterval: 5,
          cooldownPeriod: 60,
          advanced: { horizontalPodAutoscalerConfig: { behavior: BEHAVIOR } },
          triggers: [
            {
              type: 'nats-jetstream',
              metadata: {
                // Of several servers the scaler asks the consumer's leader by its name, which is its pod's.
                natsServerMonitoringEndpoint: `${headlessOf('nats')}.${context.region.namespace}.svc.cluster.local:${portOf('nats', 'monitor')}`,
                account: '$G',
                stream: scaling.stream,
                consumer: scaling.consumer,
                lagThreshold: String(scaling.target_messages),
              },
            },
          ],
        },
      });
      return;
    case 'fixed':
      return;
    default:
      scaling satisfies never;
  }
}
