/** A lineage as a document of W3C PROV-JSON, which tools of others read (https://www.w3.org/submissions/prov-json/). */
import type { Lineage, LineageNode, ProvDocument } from '@mcp/contracts';

type Attributes = Readonly<Record<string, unknown>>;

/** Nodes are entities; what made each is an activity; models, the owner and the platform are agents. */
export function provOf({ conversation_id, owner, nodes, edges }: Lineage): ProvDocument {
  const plans = new Map(
    nodes.flatMap((node) =>
      node.type === 'instruction' && node.participant !== undefined ? [[node.participant, node.id]] : [],
    ),
  );
  const agents = new Map<string, Attributes>();
  const associated = nodes.map((node): [string, Attributes] => {
    const [agent, attributes] = agentOf(node, owner);
    agents.set(agent, { ...agents.get(agent), ...attributes });
    const plan = node.type === 'candidate' ? plans.get(node.participant ?? '') : undefined;
    return [
      `_:assoc.${node.id}`,
      {
        'prov:activity': activityOf(node.id),
        'prov:agent': agent,
        ...(plan === undefined ? {} : { 'prov:plan': entityOf(plan) }),
      },
    ];
  });
  return {
    prefix: { c: `urn:uuid:${conversation_id}#`, mcp: 'urn:mcp:lineage#' },
    entity: Object.fromEntries(nodes.map((node) => [entityOf(node.id), attributesOf(node)])),
    activity: Object.fromEntries(nodes.map((node) => [activityOf(node.id), workOf(node)])),
    agent: Object.fromEntries(agents),
    used: Object.fromEntries(
      edges.map(({ from, to }, at) => [
        `_:used${at}`,
        { 'prov:activity': activityOf(to), 'prov:entity': entityOf(from) },
      ]),
    ),
    wasGeneratedBy: Object.fromEntries(
      nodes.map(({ id, produced_at }) => [
        `_:gen.${id}`,
        { 'prov:entity': entityOf(id), 'prov:activity': activityOf(id), 'prov:time': produced_at },
      ]),
    ),
    wasDerivedFrom: Object.fromEntries(
      edges.map(({ from, to, transform_type, confidence }, at) => [
        `_:der${at}`,
        {
          'prov:generatedEntity': entityOf(to),
          'prov:usedEntity': entityOf(from),
          'prov:activity': activityOf(to),
          'mcp:transform_type': transform_type,
          ...(confidence === null ? {} : { 'mcp:confidence': { $: String(confidence), type: 'xsd:double' } }),
        },
      ]),
    ),
    wasAssociatedWith: Object.fromEntries(associated),
  };
}

function entityOf(id: string): string {
  return `c:${id}`;
}

function activityOf(id: string): string {
  return `c:${id}.activity`;
}

function name(qualified: string): Attributes {
  return { $: qualified, type: 'xsd:QName' };
}

function attributesOf({
  type,
  seq,
  hash,
  log_index,
  trace_id,
  prompt,
  action,
  categories,
}: LineageNode): Record<string, unknown> {
  return {
    'prov:type': type === 'instruction' ? [name(`mcp:${type}`), name('prov:Plan')] : name(`mcp:${type}`),
    'mcp:seq': seq,
    'mcp:sha256': hash,
    'mcp:trace_id': trace_id,
    ...(log_index === null ? {} : { 'mcp:log_index': log_index }),
    ...(prompt === undefined ? {} : { 'mcp:prompt': prompt.name, 'mcp:prompt_sha256': prompt.sha256 }),
    ...(action === undefined ? {} : { 'mcp:action': action }),
    ...(categories === undefined || categories.length === 0 ? {} : { 'mcp:category': categories }),
  };
}

function workOf({ transform_type, produced_at }: LineageNode): Record<string, unknown> {
  return { 'prov:type': name(`mcp:${transform_type}`), 'prov:endTime': produced_at };
}

/** Who did it: the model of a participant, whoever asked, or the platform. */
function agentOf({ type, participant, model }: LineageNode, owner: string): [string, Attributes] {
  switch (type) {
    case 'candidate':
    case 'summary': {
      const who = participant ?? 'model';
      return [
        `c:agent.model.${who}`,
        {
          'prov:type': name('prov:SoftwareAgent'),
          'mcp:participant': who,
          ...(model === undefined ? {} : { 'mcp:model': model }),
        },
      ];
    }
    case 'input':
    case 'tool_output':
      return ['c:agent.owner', { 'mcp:owner': owner }];
    case 'instruction':
    case 'decision':
    case 'safety_action':
    case 'output':
      return ['c:agent.platform', { 'prov:type': name('prov:SoftwareAgent') }];
    default:
      return type satisfies never;
  }
}
