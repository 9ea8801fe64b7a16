/** What whoever serves models reads of its environment and records: the model-gateway, and the gateway for servers elsewhere. */
import {
  BatchTerms,
  counter,
  defineMetrics,
  defineSettings,
  gauge,
  histogram,
  jsonText,
  ModelAliases,
  ModelPools,
  Residency,
  ResidencyRules,
  wholeText,
} from '@mcp/contracts';
import { z } from 'zod';

export const servingSettings = defineSettings({
  MCP_QUEUE_MAX_WAITING: {
    schema: wholeText(1, 100_000).default(256),
    meaning: 'Inferences that may wait per model before callers are told to come back (429).',
    from: 'stack.limits.queue_max_waiting',
    operator: true,
  },
  MCP_QUEUE_WEIGHTS: {
    schema: jsonText(
      z.record(z.string().min(1).max(128), z.number().min(0.01).max(100)),
      'must be JSON such as {"key:0a1b2c":4}, each weight from 0.01 to 100',
    ).prefault('{}'),
    meaning:
      "Shares of a model's tokens by caller (id of the key or token), as JSON, while more wait than it can answer; others have 1.",
    from: 'derived.queue_weights',
    operator: true,
  },
  MCP_QUEUE_BATCH: {
    schema: jsonText(BatchTerms, 'must be JSON such as {"min_share":0.1,"reserve":0.1}').prefault('{}'),
    meaning:
      'What batch work gets of a model, as JSON: its least share of the tokens (min_share), and the share of the places that it leaves free for interactive work (reserve).',
    from: 'derived.queue_batch',
    operator: true,
  },
  MODEL_CONCURRENCY: {
    schema: byModel(z.number().int().min(1).max(4096), '{"model":16}'),
    meaning:
      'Most requests at once that a model of a server elsewhere gets, as JSON; unset, as many as it takes.',
    from: 'derived.remote_concurrency',
    operator: true,
  },
  MODEL_POOLS: {
    schema: jsonText(
      ModelPools,
      'must be JSON such as {"model":[{"name":"short","servers":["gpu-a"],"max_tokens":8192},{"name":"long","servers":["gpu-b"]}]}',
    ).prefault('{}'),
    meaning:
      'Pools of the servers of models, as JSON: requests go to the one that fits by length and speed, and to the next when it is full.',
    from: 'derived.model_pools',
    operator: true,
  },
  MODEL_FALLBACKS: {
    schema: byModel(z.array(z.string()), '{"model":["instead"]}'),
    meaning: 'Which model stands in for which, as JSON.',
    operator: true,
  },
  MODEL_ALIASES: {
    schema: jsonText(
      ModelAliases,
      'must be JSON such as {"fast":{"candidates":[{"model":"a"},{"model":"b"}],"strategy":"latency"}}',
    ).prefault('{}'),
    meaning:
      'Names that stand for several models, with how one of them is chosen and who stands in, as JSON.',
    from: 'derived.model_aliases',
    operator: true,
  },
  MCP_CPU_WATTS_PER_CORE: {
    schema: z.coerce.number().min(0.1).max(500).default(3.5),
    meaning:
      'Watts of a busy core of this machine, for the energy of embedded models where the processor does not tell it (RAPL).',
    from: 'stack.energy.cpu_watts_per_core',
    operator: true,
  },
  MCP_RESIDENCY: {
    schema: Residency.optional(),
    meaning: "Where the platform's own models process text: the residency of the region.",
    from: 'derived.residency',
  },
});

/** What whoever sends texts to models or a moderation reads of where these must stay. */
export const residencySettings = defineSettings({
  MODEL_RESIDENCY: {
    schema: jsonText(
      ResidencyRules,
      'must be JSON such as {"default":["eu"],"callers":{"key:1":["us"]}}',
    ).prefault('{}'),
    meaning:
      'Where texts may be processed, as JSON: for all, and for callers by their id instead. No model or moderation elsewhere, or of which that is not known, is asked (docs/routing.md).',
    from: 'derived.model_residency',
    operator: true,
  },
});

/** A JSON object by model id. */
function byModel<S extends z.ZodType>(schema: S, example: string) {
  return jsonText(z.record(z.string(), schema), `must be JSON such as ${example}`).prefault('{}');
}

export const servingMetrics = defineMetrics({
  queue_depth: gauge('queue_depth', ['model', 'class'], {
    help: 'Inferences waiting, by queue class; class running counts those at work.',
    per_pod: true,
    panels: [{ dashboard: 'overview', title: 'Inference queue', by: ['model', 'class'] }],
  }),
  model_hedges_total: counter('model_inference', ['alias', 'won'], {
    help: 'Requests of which a second model was asked beside a slow first one; won says which answered: first, second or none.',
    panels: [{ dashboard: 'models', title: 'Hedged requests', by: ['alias', 'won'] }],
  }),
  model_cascades_total: counter('model_inference', ['alias', 'status'], {
    help: 'Requests to an alias with a cascade; status says what became of its cheapest model: kept, left (its answer was not adequate), skipped (by the question alone) or failed.',
    panels: [{ dashboard: 'models', title: 'Answers of the cheapest model', by: ['alias', 'status'] }],
  }),
  model_streams_resumed_total: counter('model_inference', ['model'], {
    help: 'Streams of a model or alias that broke off and that another model went on with.',
    panels: [{ dashboard: 'models', title: 'Resumed streams', by: ['model'] }],
  }),
  model_circuit_open: gauge('error_count', ['model', 'server'], {
    help: '1 while the circuit of a model at a server is open or half-open, else 0.',
    per_pod: true,
    panels: [{ dashboard: 'models', title: 'Open circuits', by: ['model', 'server'] }],
    alerts: [
      {
        name: 'McpCircuitOpen',
        group: 'conversations',
        severity: 'warning',
        expr: 'max by (model, server) (model_circuit_open{namespace="$namespace"}) > 0',
        for: '10m',
        summary: '{{ $labels.server }} has refused or failed {{ $labels.model }} for ten minutes in $region.',
        description: 'Its circuit is open: requests go to other servers and models, or are refused.',
      },
    ],
  }),
  model_circuit_changes_total: counter('error_count', ['model', 'server', 'state'], {
    help: 'How often the circuit of a model at a server became closed, open or half_open.',
    panels: [{ dashboard: 'models', title: 'Changes of circuits', by: ['model', 'server', 'state'] }],
  }),
  model_inferences_total: counter('model_inference', ['model', 'status', 'phase'], {
    help: 'Inferences finished; status is the unified finish reason or the error code, phase is chat or embedding.',
    panels: [{ dashboard: 'models', title: 'Inferences', by: ['model', 'status'] }],
  }),
  model_inference_duration_seconds: histogram('model_inference', ['model', 'status', 'phase'], {
    help: 'Inference time; phase is queue, first_token or total.',
    panels: [{ dashboard: 'models', title: 'Inference time, p95', by: ['model', 'phase'] }],
  }),
  model_time_per_output_token_seconds: histogram('model_inference', ['model'], {
    help: 'Mean time per output token after the first.',
    buckets: [0.001, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1],
    panels: [{ dashboard: 'models', title: 'Time per output token, p95', by: ['model'] }],
  }),
  model_tokens_total: counter('token_io', ['model', 'direction'], {
    unit: 'tokens',
    help: 'Tokens read (direction in) and written (direction out) by models.',
    panels: [
      { dashboard: 'overview', title: 'Tokens per second', by: ['service', 'direction'] },
      { dashboard: 'models', title: 'Tokens per second by model', by: ['model', 'direction'] },
    ],
  }),
  model_cost_usd_total: counter('token_io', ['model'], {
    unit: 'USD',
    help: 'Estimated cost of the tokens of models whose price is known.',
    panels: [
      { dashboard: 'overview', title: 'Cost per hour', by: ['service'] },
      { dashboard: 'models', title: 'Cost per hour by model', by: ['model'] },
    ],
  }),
  model_energy_joules_total: counter('token_io', ['model'], {
    unit: 'J',
    help: 'Estimated energy of the tokens of models whose joules a token are known.',
    panels: [{ dashboard: 'models', title: 'Power by model', by: ['model'] }],
  }),
  model_energy_joules_per_token: gauge('token_io', ['model'], {
    unit: 'J',
    help: 'Joules a token of a model that answered, as measured by its replicas or else declared.',
    panels: [{ dashboard: 'models', title: 'Joules a token', by: ['model'] }],
  }),
  model_cost_unknown_total: counter('token_io', ['model'], {
    help: 'Inferences of models whose price is unknown: an alarm, never counted as free.',
    panels: [
      { dashboard: 'overview', title: 'Inferences of unknown cost', by: ['service'] },
      { dashboard: 'models', title: 'Unknown cost by model', by: ['model'] },
    ],
    alerts: [
      {
        name: 'McpCostUnknown',
        group: 'conversations',
        severity: 'warning',
        expr: 'sum by (model) ((model_cost_unknown_total{namespace="$namespace"} unless model_cost_unknown_total{namespace="$namespace"} offset 1h) or increase(model_cost_unknown_total{namespace="$namespace"}[1h])) > 0',
        for: '5m',
        summary: '{{ $labels.model }} is used in $region, but its price is unknown.',
        description: '{{ $value | humanize }} inferences within an hour are missing from the costs.',
      },
    ],
  }),
});
