import {
  type CoreApi,
  type GovernanceApi,
  type ModelGatewayApi,
  modelGatewayEndpoints,
  type TaskEngineApi,
} from '@mcp/contracts';
import { decodeChatCompletion, decodeChatStream } from '@mcp/wire';
import { z } from 'zod';
import { apiClient } from './api-client.ts';
import { restoreError, type ServiceClient } from './http-client.ts';
import { readNdjson } from './read-ndjson.ts';

const PlaceLine = z.object({ id: z.string() });

/** What `clients` of a kit offers: the same interfaces whether a service is in this process or elsewhere. */
export interface Clients {
  readonly modelGateway: ModelGatewayApi;
  readonly core: CoreApi;
  readonly taskEngine: TaskEngineApi;
  readonly governance: GovernanceApi;
}

/** The model-gateway over HTTP: its table, and beside it the OpenAI wire and places, which a connection holds. */
export function httpModelGateway(client: ServiceClient): ModelGatewayApi {
  return {
    ...apiClient(modelGatewayEndpoints, client),
    async *generate(request, call) {
      const path = '/v1/chat/completions';
      if (request.stream !== true) {
        const answer = await client.json({ method: 'POST', path, body: request, lane: 'long' }, call);
        yield* decodeChatCompletion(answer);
        return;
      }
      const body = { ...request, stream_options: { include_usage: true } };
      yield* decodeChatStream(client.bytes(await client.stream({ method: 'POST', path, body }, call), call));
    },
    async reserve(model, call) {
      const stop = new AbortController();
      const held = { ...call, signal: AbortSignal.any([call.signal, stop.signal]) };
      const body = await client.stream({ method: 'POST', path: '/internal/places', body: { model } }, held);
      const lines = readNdjson(client.bytes(body, held), restoreError)[Symbol.asyncIterator]();
      const { id } = PlaceLine.parse((await lines.next()).value);
      const gone = lines.next().then(
        () => undefined,
        () => undefined,
      );
      return { id, gone, release: () => stop.abort() };
    },
  };
}
