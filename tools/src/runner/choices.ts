import { ServiceName } from '@mcp/contracts';
import { defineStack, type ServicePlacement, type Stack, type StackModel, stacks } from '@mcp/stacks';
import { CliError, EXIT } from '../errors.ts';

/** Answers by script, for tests: two chat models and one embedding model that need no weights. */
const SCRIPTED: readonly StackModel[] = (
  [
    ['scripted/alpha', 'chat'],
    ['scripted/beta', 'chat'],
    ['scripted/embed', 'embedding'],
  ] as const
).map(([id, kind]) => ({
  id,
  kind,
  backend: 'scripted',
  max_context: 8192,
  cost_input_per_mtok_usd: 0,
  cost_output_per_mtok_usd: 0,
  background: false,
}));

/** The stack of one machine with the user's choice of models and processes. Throws a CliError for a wrong choice. */
export function chosenStack(
  choice: { models: string; in_process: string },
  base: Stack = localStack(),
): Stack {
  return defineStack({
    ...base,
    // A script answers as many at once as are asked; the limits are for models that compute.
    ...(choice.models === 'scripted' ? { limits: { ...base.limits, queue_max_waiting: 1024 } } : {}),
    services: placements(choice.in_process, base.services),
    models: chosenModels(choice.models, base.models),
  });
}

/** `small`, `standard`, `scripted`, or ids from the stack separated by commas. */
export function chosenModels(choice: string, known: readonly StackModel[]): StackModel[] {
  if (choice === 'standard') return [...known];
  if (choice === 'small') return known.filter((model) => !model.background);
  if (choice === 'scripted') return [...SCRIPTED];
  const ids = list(choice);
  const rows = ids.map((id) => known.find((model) => model.id === id));
  const unknown = ids.filter((_, at) => rows[at] === undefined);
  if (ids.length === 0 || unknown.length > 0)
    throw new CliError(
      `--models: ${unknown.length > 0 ? `no model is called ${unknown.join(', ')}` : 'the list is empty'}. Use small, standard, scripted, or some of ${known.map((model) => model.id).join(',')}.`,
      EXIT.usage,
    );
  const chosen = rows.filter((model) => model !== undefined);
  if (!chosen.some((model) => model.kind === 'chat'))
    throw new CliError(
      `--models ${choice} has no chat model. Add one of ${idsOf(known, 'chat').join(', ')}.`,
      EXIT.usage,
    );
  // Arbitration compares answers by their embeddings; whoever lists chat models means those.
  const embedding = known.find((model) => model.kind === 'embedding');
  return embedding === undefined || chosen.some((model) => model.kind === 'embedding')
    ? chosen
    : [...chosen, embedding];
}

/** `none`: a process each. `all`: one process. A list: those share one, the rest have one each. */
export function placements(choice: string, placed: readonly ServicePlacement[]): ServicePlacement[] {
  const names = placed.flatMap((placement) => [placement.service, ...placement.in_process]);
  if (choice === 'none') return names.map((service) => ({ service, in_process: [] }));
  const wanted = choice === 'all' ? names : list(choice);
  const unknown = wanted.filter((name) => !names.some((known) => known === name));
  if (wanted.length === 0 || unknown.length > 0)
    throw new CliError(
      `--single-process: ${unknown.length > 0 ? `no service is called ${unknown.join(', ')}` : 'the list is empty'}. Use all, none, or some of ${ServiceName.options.join(',')}.`,
      EXIT.usage,
    );
  const together = names.filter((name) => wanted.includes(name));
  const [service, ...in_process] = together;
  const rest = names
    .filter((name) => !together.includes(name))
    .map((name) => ({ service: name, in_process: [] as ServiceName[] }));
  return service === undefined ? rest : [{ service, in_process }, ...rest];
}

function localStack(): Stack {
  const { local } = stacks;
  if (local === undefined)
    throw new CliError('The stack local is missing from stacks/index.ts. Put it back.');
  return local;
}

function idsOf(models: readonly StackModel[], kind: StackModel['kind']): string[] {
  return models.filter((model) => model.kind === kind).map((model) => model.id);
}

function list(text: string): string[] {
  return [
    ...new Set(
      text
        .split(',')
        .map((part) => part.trim())
        .filter((part) => part !== ''),
    ),
  ];
}
