/** What becomes of personal data in what is asked and answered, before any of it is stored or leaves. */
import {
  type CallContext,
  type ChatEvent,
  type ChatRequest,
  type ModelAliases,
  modelsOf,
  type PiiAction,
  type WatchedChatRequest,
} from '@mcp/contracts';
import type { PiiSession } from '@mcp/safety/pii';
import { actsOn, type PiiPolicy, type PiiRoute, piiActionOf } from '@mcp/safety/privacy';
import type { GatewayKit } from '../kit.ts';
import type { ModelCatalog } from '../models.ts';
import { PiiVault } from './pii-vault.ts';

interface PrivacyOptions {
  readonly kit: GatewayKit;
  readonly policy: PiiPolicy;
  readonly models: Pick<ModelCatalog, 'list'>;
  readonly aliases: ModelAliases;
  readonly fallbacks: Readonly<Record<string, readonly string[]>>;
  /** Another model may be asked than the one that was named: any may get the text. */
  readonly any_model: boolean;
}

/** A conversation as models may see it. */
interface PrivateTalk {
  readonly request: WatchedChatRequest;
  /** Undefined: nothing is changed. */
  readonly session: PiiSession | undefined;
}

export class Privacy {
  readonly #options: PrivacyOptions;
  readonly #vault: PiiVault;

  constructor(options: PrivacyOptions) {
    this.#options = options;
    this.#vault = new PiiVault(options.kit);
  }

  /** What was said before under this id has its values again; another request's `keep` says which those are. */
  async goOn(session: PiiSession, id: string, call: CallContext): Promise<void> {
    if (session.action === 'tokenize') await this.#vault.load(session, { id, call });
  }

  /** Has the values for who goes on with this id. */
  async keep(session: PiiSession | undefined, id: string, call: CallContext): Promise<void> {
    if (session?.action === 'tokenize') await this.#vault.save(session, { id, call });
  }

  /** What becomes of personal data of a request; models undefined: any may be asked. */
  async action(route: PiiRoute, models: readonly string[] | undefined): Promise<PiiAction> {
    const { policy } = this.#options;
    const own = piiActionOf(policy, { route, leaves: false });
    const left = piiActionOf(policy, { route, leaves: true });
    return own === left || !(await this.#leaves(models)) ? own : left;
  }

  /** Looked at where it acts alone: what finds personal data knows the telephone numbers of all countries. */
  async session(action: PiiAction): Promise<PiiSession | undefined> {
    if (!actsOn(action)) return undefined;
    const { kit, policy } = this.#options;
    const { PiiSession } = await import('@mcp/safety/pii');
    return new PiiSession({
      action,
      policy,
      onFound: (kind, phase) => kit.metrics.inc('pii_found_total', { kind, phase, status: action }),
    });
  }

  /** Judges, critics and graphs may ask any model. Throws `content_filter` where the message may not be sent. */
  async talk(request: ChatRequest, call: CallContext): Promise<PrivateTalk> {
    const pii = await this.action('/chat', undefined);
    const session = await this.session(pii);
    if (session === undefined) return { request: { ...request, pii }, session };
    if (request.conversation_id !== undefined)
      await this.#recall(session, { id: request.conversation_id, call });
    const { message } = request;
    const asked = message === undefined ? {} : session.asked({ message });
    return { request: { ...request, ...asked, pii }, session };
  }

  /** What the conversation has names for is known again; those names are given to nothing else. */
  async #recall(
    session: PiiSession,
    { id, call }: { readonly id: string; readonly call: CallContext },
  ): Promise<void> {
    await this.goOn(session, id, call);
    const { messages } = await this.#options.kit.clients.core.getConversation(id, call);
    for (const { content } of messages) session.pseudonyms.reserve(content);
  }

  /** Whether a model that is not the platform's own may get the text: one that is not known is none. */
  async #leaves(models: readonly string[] | undefined): Promise<boolean> {
    const { any_model } = this.#options;
    const known = await this.#options.models.list();
    const own = new Set(known.flatMap(({ id, own }) => (own === true ? [id] : [])));
    const asked = any_model || models === undefined ? known.map(({ id }) => id) : models;
    return [...this.#reached(asked)].some((id) => !own.has(id));
  }

  /** The models that these lead to: those of an alias, and those that stand in. */
  #reached(models: readonly string[]): Set<string> {
    const { aliases, fallbacks } = this.#options;
    const reached = new Set<string>();
    const waiting = models.flatMap((id) => {
      const alias = Object.hasOwn(aliases, id) ? aliases[id] : undefined;
      return alias === undefined ? [id] : modelsOf(alias);
    });
    for (let id = waiting.pop(); id !== undefined; id = waiting.pop()) {
      if (reached.has(id)) continue;
      reached.add(id);
      if (Object.hasOwn(fallbacks, id)) waiting.push(...(fallbacks[id] ?? []));
    }
    return reached;
  }
}

/** The events of a conversation with the values whose names its models were shown. */
export async function* withValues(
  events: AsyncIterable<ChatEvent>,
  session: PiiSession | undefined,
  onStart: (conversation_id: string) => Promise<void>,
): AsyncGenerator<ChatEvent> {
  if (session?.action !== 'tokenize') return yield* events;
  const said = new Map<string, ReturnType<PiiSession['restorer']>>();
  for await (const event of events) {
    if (event.type === 'start') await onStart(event.conversation_id);
    if (event.type === 'delta') {
      const { message_id } = event;
      const restorer = said.get(message_id) ?? session.restorer();
      said.set(message_id, restorer);
      const text = restorer.push(event.text);
      if (text !== '') yield { ...event, text };
      continue;
    }
    if (event.type === 'message.end') {
      const { seq, message_id, turn, step, participant } = event;
      const text = said.get(message_id)?.end() ?? '';
      said.delete(message_id);
      if (text !== '') yield { type: 'delta', seq, message_id, turn, step, participant, text };
    }
    yield session.restored(event);
  }
}
