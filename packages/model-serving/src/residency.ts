/** The one place where it is decided whether a text may go to a model's server: asked before every server, whatever it stands in for. */
import {
  type CallContext,
  type ModelAlias,
  type ModelInfo,
  mayBeAt,
  PlatformError,
  placesOf,
  type Residency,
} from '@mcp/contracts';
import type { Catalog, Offer } from './catalog.ts';
import type { Route } from './route.ts';
import type { ServingConfig } from './serving.ts';

const MAX_NAMED = 8;

/** Where the text of one request must stay. */
export interface Stay {
  /** For messages. */
  readonly places: string;
  /** Where a model processes texts; undefined: not known. */
  at(info: ModelInfo): Residency | undefined;
  allows(info: ModelInfo): boolean;
  /** Of a model's servers those that may be asked; the same array where all may. */
  allowed(routes: readonly Route[]): readonly Route[];
}

export class ResidencyPolicy {
  readonly #settings: Pick<ServingConfig, 'MODEL_RESIDENCY' | 'MCP_RESIDENCY'>;

  constructor(settings: Pick<ServingConfig, 'MODEL_RESIDENCY' | 'MCP_RESIDENCY'>) {
    this.#settings = settings;
  }

  /** What the operator rules for the caller, the request says itself, and the alias adds to both. */
  of(call: CallContext, alias?: ModelAlias): Stay {
    const places = placesOf(this.#settings.MODEL_RESIDENCY, call);
    const all = alias?.residency === undefined ? places : [...places, alias.residency];
    const at = (info: ModelInfo) => this.#placeOf(info);
    if (all.length === 0) return { places: 'any', at, allows: () => true, allowed: (routes) => routes };
    const allows = (info: ModelInfo) => mayBeAt(at(info), all);
    return {
      places: all.map((list) => list.join(' or ')).join(', '),
      at,
      allows,
      allowed: (routes) =>
        routes.every(({ info }) => allows(info)) ? routes : routes.filter(({ info }) => allows(info)),
    };
  }

  /** What runs on the platform's own machines is processed where these are. */
  #placeOf({ residency, own }: ModelInfo): Residency | undefined {
    return residency ?? (own === true ? this.#settings.MCP_RESIDENCY : undefined);
  }
}

/** The model with the servers that may be asked. Throws `wrong_region` where none may. */
export function staying(offer: Offer, stay: Stay, catalog: Pick<Catalog, 'infos'>): Offer {
  const routes = stay.allowed(offer.routes);
  if (routes === offer.routes) return offer;
  if (routes.length > 0) return { ...offer, routes };
  const kind = offer.routes[0]?.info.kind;
  const fitting = catalog.infos().filter((info) => info.kind === kind && stay.allows(info));
  const names = [...new Set(fitting.map(({ id }) => id))].slice(0, MAX_NAMED);
  const is = [...new Set(offer.routes.map(({ info }) => stay.at(info) ?? 'not known'))].join(' or ');
  throw new PlatformError(
    'wrong_region',
    `Where the model '${offer.id}' processes texts is ${is}, and this one must stay in ${stay.places} (the header x-mcp-residency, or MODEL_RESIDENCY of the operator). Nothing was sent. ${
      names.length === 0
        ? 'No model that is known is there: declare the residency of the server that is.'
        : `Name one that is there: ${names.join(', ')}.`
    }`,
    { param: 'model' },
  );
}
