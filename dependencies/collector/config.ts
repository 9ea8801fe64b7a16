/** The collector's configuration: which traces it keeps, and where it sends them. */
import type { ClusterPlace, DependencyPlace, DependencyStart, DependencyVariable } from '@mcp/contracts';
import { stringify } from 'yaml';

/** Made by the operator where the stack declares OTLP hosts: the key `endpoint`, and `authorization` where it is asked for. */
const EXPORT_SECRET = 'mcp-otlp-export';
const ENDPOINT_VARIABLE = 'OTLP_EXPORT_ENDPOINT';
const AUTHORIZATION_VARIABLE = 'OTLP_EXPORT_AUTHORIZATION';
/** The collector's own substitution, when it starts. */
const fromEnvironment = (name: string) => `\${env:${name}}`;

/** Long enough for the spans of one answer that streams; later ones follow the decision that was kept. */
const DECISION_WAIT_S = 30;
const MOST_TRACES = 20_000;
const MOST_DECISIONS = 200_000;
const SAMPLED_PERCENT = 10;
const MOST_SPANS_PER_BATCH = 2048;

/** Probes and scrapes are most of the requests of an idle platform, and of no interest while they succeed. */
const PROBES =
  'status.code != STATUS_CODE_ERROR and IsMatch(attributes["http.route"], "^/(healthz|readyz|metrics)$")';

/** How the collector is started. Without a host to export to it counts the traces it kept and lets them go. */
export function collectorStart({ ports, config_dir, cluster }: DependencyPlace): DependencyStart {
  const exporting = cluster?.reaches.includes('otlp') === true;
  const config = configOf({ ports, services: cluster?.services ?? [], exporting });
  return {
    files: { 'config.yaml': stringify(config) },
    args: [`--config=${config_dir}/config.yaml`],
    env: exporting
      ? [
          fromSecret(ENDPOINT_VARIABLE, 'endpoint', false),
          fromSecret(AUTHORIZATION_VARIABLE, 'authorization', true),
        ]
      : [],
  };
}

interface Input {
  readonly ports: DependencyPlace['ports'];
  readonly services: ClusterPlace['services'];
  readonly exporting: boolean;
}

function configOf({ ports, services, exporting }: Input): object {
  return {
    receivers: { otlp: { protocols: { http: { endpoint: `0.0.0.0:${ports['otlp-http']}` } } } },
    processors: {
      memory_limiter: { check_interval: '1s', limit_percentage: 80, spike_limit_percentage: 25 },
      'filter/probes': {
        error_mode: 'ignore',
        traces: { span: [PROBES] },
      },
      tail_sampling: samplingOf(services),
      batch: { send_batch_max_size: MOST_SPANS_PER_BATCH, send_batch_size: MOST_SPANS_PER_BATCH },
    },
    exporters: exporting
      ? {
          otlphttp: {
            endpoint: fromEnvironment(ENDPOINT_VARIABLE),
            headers: { authorization: fromEnvironment(AUTHORIZATION_VARIABLE) },
          },
        }
      : { debug: { verbosity: 'basic' } },
    extensions: { health_check: { endpoint: `0.0.0.0:${ports.health}` } },
    service: {
      extensions: ['health_check'],
      telemetry: {
        metrics: {
          readers: [{ pull: { exporter: { prometheus: { host: '0.0.0.0', port: ports.metrics } } } }],
        },
      },
      pipelines: {
        traces: {
          receivers: ['otlp'],
          processors: ['memory_limiter', 'filter/probes', 'tail_sampling', 'batch'],
          exporters: [exporting ? 'otlphttp' : 'debug'],
        },
      },
    },
  };
}

function samplingOf(services: ClusterPlace['services']): object {
  return {
    decision_wait: `${DECISION_WAIT_S}s`,
    num_traces: MOST_TRACES,
    decision_cache: { sampled_cache_size: MOST_DECISIONS, non_sampled_cache_size: MOST_DECISIONS },
    policies: [
      { name: 'errors', type: 'status_code', status_code: { status_codes: ['ERROR'] } },
      {
        name: 'slow',
        type: 'ottl_condition',
        ottl_condition: { error_mode: 'ignore', span: services.map(slowCondition) },
      },
      { name: 'some', type: 'probabilistic', probabilistic: { sampling_percentage: SAMPLED_PERCENT } },
    ],
  };
}

/** A request that took its service longer than the objective of its manifest (OTTL). */
function slowCondition({ name, slo }: ClusterPlace['services'][number]): string {
  return `kind == SPAN_KIND_SERVER and resource.attributes["service.name"] == "${name}" and end_time_unix_nano - start_time_unix_nano > ${slo.p95_ms * 1_000_000}`;
}

function fromSecret(name: string, key: string, optional: boolean): DependencyVariable {
  return { name, secret: { object: EXPORT_SECRET, key, optional } };
}
