import { type ServiceManifest, ServiceName } from '@mcp/contracts';
import { services } from './services.ts';

/** What a service makes the key from that it signs its calls with. */
export type SigningKeyName = `signing_key_${ServiceName}`;

/** Services with a key of their own: those that call others. */
export const signingServices: readonly ServiceName[] = ServiceName.options.filter(
  (name) => services[name].calls.length > 0,
);

/** Name of the secret with a service's signing key. */
export function signingKeyOf(name: ServiceName): SigningKeyName {
  return `signing_key_${name}`;
}

/** Who a service is and what it may do, with the secrets its keys are made from: the first signs, all are believed. */
export interface Identity extends Pick<ServiceManifest, 'calls' | 'speaks_for'> {
  readonly service: ServiceName;
  readonly secrets: readonly string[];
}

/** The identities of a platform, of which its key set is the public side (`packages/service-kit/src/runtime/identity.ts`). */
export function identitiesOf(secrets: (name: ServiceName) => readonly string[]): Identity[] {
  return signingServices.map((service) => {
    const { calls, speaks_for } = services[service];
    return { service, calls, speaks_for, secrets: secrets(service) };
  });
}
