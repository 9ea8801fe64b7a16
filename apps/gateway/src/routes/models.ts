import { AnthropicModelsQuery, AnthropicQuery, type CallContext } from '@mcp/contracts';
import { type KitContext, type KitEnv, parseQuery } from '@mcp/service-kit';
import { encodeAnthropicModel, encodeModel, encodeModelList } from '@mcp/wire';
import type { Hono } from 'hono';
import type { Gateway } from '../gateway.ts';
import { aliasModels } from '../pipeline/aliases.ts';
import { guard, NO_QUERY } from '../transports/http.ts';
import { anthropicPage } from '../transports/lists.ts';

/** Anthropic's clients send it with every call; OpenAI's have no such header. */
export const ANTHROPIC_HEADER = 'anthropic-version';

/** The list of models, which OpenAI's and Anthropic's clients ask at one address. */
export function modelRoutes(app: Hono<KitEnv>, gateway: Gateway): void {
  const list = async ({ hops = 0 }: CallContext) => {
    const models = await (hops > 0 ? gateway.models.listForGateway() : gateway.models.list());
    // A core that is away must not keep the models from those that can do without it.
    await gateway.graphs.list().catch(() => undefined);
    return [...models, ...aliasModels(models, gateway.graphs.known)];
  };
  const anthropic = (c: KitContext) => c.req.header(ANTHROPIC_HEADER) !== undefined;
  app.get(
    '/v1/models',
    guard(gateway, { scope: 'chat', query: true }, async (c, call) => {
      if (anthropic(c)) {
        const query = parseQuery(c, AnthropicModelsQuery);
        const chat = (await list(call)).filter(({ kind }) => kind === 'chat');
        return c.json(anthropicPage(chat.map(encodeAnthropicModel), query));
      }
      parseQuery(c, NO_QUERY);
      return c.json(encodeModelList(await list(call)));
    }),
  );
  // Model ids may hold slashes (mcp/dual, org/model).
  app.get(
    '/v1/models/:id{.+}',
    guard(gateway, { scope: 'chat', query: true }, async (c, call) => {
      parseQuery(c, anthropic(c) ? AnthropicQuery : NO_QUERY);
      const id = c.req.param('id') ?? '';
      const listed = (await list(call)).find((one) => one.id === id);
      // What is not listed may still be known: one server's own, or a server that cannot be asked just now.
      const model = listed ?? (await gateway.inference().model(id, call));
      return c.json(anthropic(c) ? encodeAnthropicModel(model) : encodeModel(model));
    }),
  );
}
