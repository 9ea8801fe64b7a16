import type { types } from '@pulumi/kubernetes';
import type { Chart } from 'cdk8s';
import type { RegionContext, Workload } from '../../context.ts';
import { add, addCustom } from '../../kit/objects.ts';
import { headlessOf, portOf } from '../dependency/place.ts';

/** Up at once and by as much as doubles, down slowly: load that comes back finds its pods. */
const BEHAVIOR: types.input.autoscaling.v2.HorizontalPodAutoscalerBehavior = {
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

/** What scales a workload: CPU by an HPA, the lag of a JetStream consumer by KEDA. */
export function addScaling(chart: Chart, context: RegionContext, { manifest, placement }: Workload): void {
  const { name, scaling } = manifest;
  const target = { apiVersion: 'apps/v1', kind: 'Deployment', name };
  switch (scaling.on) {
    case 'cpu':
      add(chart, 'autoscaler', {
        kind: 'HorizontalPodAutoscaler',
        metadata: { name },
        spec: {
          scaleTargetRef: target,
          minReplicas: placement.replicas ?? scaling.min,
          maxReplicas: scaling.max,
          metrics: [
            {
              type: 'Resource',
              resource: {
                name: 'cpu',
                target: { type: 'Utilization', averageUtilization: scaling.target_percent },
              },
            },
          ],
          behavior: BEHAVIOR,
        },
      });
      return;
    case 'queue':
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
