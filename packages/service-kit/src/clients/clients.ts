import { type ApiOf, type ModelGatewayApi, modelGatewayEndpoints, SERVICE_APIS } from '@mcp/contracts';
import { decodeChatCompletion, decodeChatStream } from '@mcp/wire';
import { z } from 'zod';
import { apiClient } from './api-client.ts';
import { restoreError, type ServiceClient } from './http-client.ts';
import { readNdjson } from './read-ndjson.ts';

const PlaceLine = z.object({ id: z.string() });

/** A service that has an internal API. */
export type ServiceWithApi = keyof typeof SERVICE_APIS;
export const servicesWithApi = Object.keys(SERVICE_APIS) as ServiceWithApi[];

/** The interface of each of them; places and the OpenAI wire are beside the table of the model-gateway. */
type Interfaces = {
  readonly [N in ServiceWithApi]: N extends 'model-gateway'
    ? ModelGatewayApi
    : ApiOf<(typeof SERVICE_APIS)[N]>;
};
type Camel<S extends string> = S extends `${infer Head}-${infer Tail}`
  ? `${Head}${Capitalize<Camel<Tail>>}`
  : S;

/** What `clients` of a kit offers, `taskEngine` for `task-engine`: the same whether a service is in this process or elsewhere. */
export type Clients = { readonly [N in ServiceWithApi as Camel<N>]: Interfaces[N] };

/** `task-engine` is `clients.taskEngine`. */
export function clientName(service: ServiceWithApi): Camel<ServiceWithApi> {
  return service.replace(/-(\w)/g, (_, letter: string) => letter.toUpperCase()) as Camel<ServiceWithApi>;
}

/** The API of a service over HTTP. */
export function httpClient(service: ServiceWithApi, client: ServiceClient): Interfaces[ServiceWithApi] {
  return service === 'model-gateway' ? httpModelGateway(client) : apiClient(SERVICE_APIS[service], client);
}

/** The model-gateway over HTTP: its table, and beside it the OpenAI wire and places, which a connection holds. */
function httpModelGateway(client: ServiceClient): ModelGatewayApi {
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
