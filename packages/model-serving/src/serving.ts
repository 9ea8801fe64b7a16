/** What of a service's kit the serving of models uses. */
import type { ConfigOf } from '@mcp/contracts';
import type { MetricsOf, ServiceKit } from '@mcp/service-kit';
import type { residencySettings, servingMetrics, servingSettings } from '../manifest.ts';

export type ServingConfig = ConfigOf<typeof servingSettings> & ConfigOf<typeof residencySettings>;
export type ServingMetrics = MetricsOf<typeof servingMetrics>;
export interface ServingKit extends Pick<ServiceKit, 'tracer' | 'log'> {
  readonly metrics: ServingMetrics;
}
