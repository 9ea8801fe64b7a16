/**
 * The metrics taxonomy (blueprint phase A): every metric of every service, once.
 * `docs/metrics_taxonomy.md` is generated from this table; all metrics also carry the label `service`.
 * A new metric is a new row here; an unlisted one cannot be recorded (the names are typed).
 */
export interface MetricRow {
  readonly type: 'counter' | 'gauge' | 'histogram';
  /** Blueprint category. */
  readonly category:
    | 'service_request'
    | 'model_inference'
    | 'queue_depth'
    | 'token_io'
    | 'latency_histogram'
    | 'error_count'
    | 'cache_hit_ratio'
    | 'conversation'
    | 'governance'
    | 'event_bus';
  readonly unit: '1' | 's' | 'bytes' | 'tokens' | 'USD' | 'ratio';
  readonly labels: readonly string[];
  readonly help: string;
  readonly buckets?: readonly number[];
}

const SECONDS = [0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 0.8, 1.2, 2.5, 5, 10, 30, 60, 120];
const REQUEST = ['endpoint', 'status', 'model', 'phase'] as const;

export const METRICS = {
  service_requests_total: {
    type: 'counter',
    category: 'service_request',
    unit: '1',
    labels: REQUEST,
    help: 'HTTP requests answered, by route pattern and status.',
  },
  service_requests_in_flight: {
    type: 'gauge',
    category: 'service_request',
    unit: '1',
    labels: [],
    help: 'HTTP requests being answered now.',
  },
  service_request_duration_seconds: {
    type: 'histogram',
    category: 'latency_histogram',
    unit: 's',
    labels: REQUEST,
    help: 'Time from the request line to the last byte of the answer.',
    buckets: SECONDS,
  },
  service_errors_total: {
    type: 'counter',
    category: 'error_count',
    unit: '1',
    labels: ['endpoint', 'status', 'model', 'phase', 'code'],
    help: 'Requests answered with an error, by error code.',
  },
  trace_spans_dropped_total: {
    type: 'counter',
    category: 'error_count',
    unit: '1',
    labels: [],
    help: 'Spans that did not reach the trace store: the event bus was away for too long.',
  },
  gateway_admission_rejected_total: {
    type: 'counter',
    category: 'error_count',
    unit: '1',
    labels: ['code'],
    help: 'Requests refused before any model was asked: rate limit, full queue, too many in flight.',
  },
  gateway_stream_disconnects_total: {
    type: 'counter',
    category: 'error_count',
    unit: '1',
    labels: ['endpoint'],
    help: 'Streams whose client left before the end.',
  },
  model_inference_duration_seconds: {
    type: 'histogram',
    category: 'model_inference',
    unit: 's',
    labels: ['model', 'status', 'phase'],
    help: 'Inference time; phase is queue, first_token or total.',
    buckets: SECONDS,
  },
  model_time_per_output_token_seconds: {
    type: 'histogram',
    category: 'model_inference',
    unit: 's',
    labels: ['model'],
    help: 'Mean time per output token after the first.',
    buckets: [0.001, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1],
  },
  model_inferences_total: {
    type: 'counter',
    category: 'model_inference',
    unit: '1',
    labels: ['model', 'status', 'phase'],
    help: 'Inferences finished; status is the unified finish reason or the error code, phase is chat or embedding.',
  },
  model_tokens_total: {
    type: 'counter',
    category: 'token_io',
    unit: 'tokens',
    labels: ['model', 'direction'],
    help: 'Tokens read (direction in) and written (direction out) by models.',
  },
  model_cost_usd_total: {
    type: 'counter',
    category: 'token_io',
    unit: 'USD',
    labels: ['model'],
    help: 'Estimated cost of the tokens of models whose price is known.',
  },
  model_cost_unknown_total: {
    type: 'counter',
    category: 'token_io',
    unit: '1',
    labels: ['model'],
    help: 'Inferences of models whose price is unknown: an alarm, never counted as free.',
  },
  queue_depth: {
    type: 'gauge',
    category: 'queue_depth',
    unit: '1',
    labels: ['model', 'class'],
    help: 'Inferences waiting, by queue class; class running counts those at work.',
  },
  job_queue_depth: {
    type: 'gauge',
    category: 'queue_depth',
    unit: '1',
    labels: ['phase'],
    help: 'Jobs; phase is pending (not yet delivered), in_flight or dead.',
  },
  jobs_total: {
    type: 'counter',
    category: 'queue_depth',
    unit: '1',
    labels: ['kind', 'status'],
    help: 'Jobs that came to an end, or were tried again.',
  },
  job_duration_seconds: {
    type: 'histogram',
    category: 'latency_histogram',
    unit: 's',
    labels: ['kind', 'status'],
    help: 'Time of one attempt at a job.',
    buckets: SECONDS,
  },
  cache_hit_ratio: {
    type: 'gauge',
    category: 'cache_hit_ratio',
    unit: 'ratio',
    labels: ['cache'],
    help: 'Hits over look-ups of a cache since start.',
  },
  conversation_turns_total: {
    type: 'counter',
    category: 'conversation',
    unit: '1',
    labels: ['model', 'status'],
    help: 'Turns of conversations, by how they ended.',
  },
  conversation_log_writes_total: {
    type: 'counter',
    category: 'conversation',
    unit: '1',
    labels: ['status'],
    help: 'Logs written to files or object storage; status is ok or failed.',
  },
  token_budget_actions_total: {
    type: 'counter',
    category: 'conversation',
    unit: '1',
    labels: ['model', 'phase'],
    help: 'What the token budget did to a context; phase is none, truncated or summarized.',
  },
  model_arbitration_total: {
    type: 'counter',
    category: 'conversation',
    unit: '1',
    labels: ['status'],
    help: 'Arbitrations between two models, by method.',
  },
  model_arbitration_divergence: {
    type: 'histogram',
    category: 'conversation',
    unit: 'ratio',
    labels: [],
    help: 'Divergence D = 1 - cosine of the two candidates.',
    buckets: [0.05, 0.1, 0.2, 0.3, 0.4, 0.5, 0.6, 0.8, 1, 2],
  },
  model_arbitration_duration_seconds: {
    type: 'histogram',
    category: 'conversation',
    unit: 's',
    labels: [],
    help: 'Time the arbitration added to a conversation.',
    buckets: SECONDS,
  },
  provenance_verifications_total: {
    type: 'counter',
    category: 'governance',
    unit: '1',
    labels: ['status'],
    help: 'Logs checked; status is ok, unconfirmed or broken.',
  },
  governance_runs_total: {
    type: 'counter',
    category: 'governance',
    unit: '1',
    labels: ['job', 'status'],
    help: 'Runs of governance jobs.',
  },
  governance_last_success_timestamp_seconds: {
    type: 'gauge',
    category: 'governance',
    unit: 's',
    labels: ['job'],
    help: 'Unix time of the last run of a governance job that found nothing wrong.',
  },
  bus_up: {
    type: 'gauge',
    category: 'event_bus',
    unit: '1',
    labels: [],
    help: 'Whether the event bus gave its figures when last asked: 1 or 0; after 0 the other bus metrics are left out.',
  },
  bus_stream_messages: {
    type: 'gauge',
    category: 'event_bus',
    unit: '1',
    labels: ['stream'],
    help: 'Messages in a stream, bucket (KV_) or object store (OBJ_) of the event bus; other: what is not of the platform.',
  },
  bus_stream_bytes: {
    type: 'gauge',
    category: 'event_bus',
    unit: 'bytes',
    labels: ['stream'],
    help: 'Bytes in a stream, bucket or object store of the event bus, one copy of it.',
  },
  bus_stream_limit_bytes: {
    type: 'gauge',
    category: 'event_bus',
    unit: 'bytes',
    labels: ['stream', 'discard'],
    help: 'Size (max_bytes) of a stream, bucket or object store; when full, discard new refuses writes and old drops the oldest.',
  },
  bus_consumer_pending: {
    type: 'gauge',
    category: 'event_bus',
    unit: '1',
    labels: ['stream', 'consumer'],
    help: 'Messages that a durable consumer has not been given yet.',
  },
  bus_consumer_ack_pending: {
    type: 'gauge',
    category: 'event_bus',
    unit: '1',
    labels: ['stream', 'consumer'],
    help: 'Messages that a durable consumer was given and has not acknowledged.',
  },
  bus_storage_used_bytes: {
    type: 'gauge',
    category: 'event_bus',
    unit: 'bytes',
    labels: ['server'],
    help: 'Bytes of all streams that a server of the event bus keeps a copy of.',
  },
  bus_storage_reserved_bytes: {
    type: 'gauge',
    category: 'event_bus',
    unit: 'bytes',
    labels: ['server'],
    help: 'Sizes (max_bytes) of all streams that a server of the event bus keeps a copy of.',
  },
  bus_storage_limit_bytes: {
    type: 'gauge',
    category: 'event_bus',
    unit: 'bytes',
    labels: ['server'],
    help: 'What a server of the event bus may store (max_file_store).',
  },
} as const satisfies Record<string, MetricRow>;

export type MetricName = keyof typeof METRICS;
