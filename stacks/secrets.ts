/** Every secret of the environment, joined from the settings that have one as their value. */
import { type Secret, ServiceName, type Settings, serviceVariable } from '@mcp/contracts';
import { commonSettings, signingKeySetting } from '@mcp/service-kit/manifest';
import { type SigningKeyName, signingKeyOf, signingServices } from './identities.ts';
import { services } from './services.ts';

type Union<T> = (T extends unknown ? (one: T) => void : never) extends (all: infer A) => void ? A : never;
type Declared = typeof commonSettings & Union<(typeof services)[ServiceName]['settings']>;
type SecretVariable = {
  [N in keyof Declared & string]: Declared[N] extends { readonly secret: unknown } ? N : never;
}[keyof Declared & string];
/** `PROV_SECRET` is `prov_secret`, `MCP_ADMIN_KEY_HASH` is `admin_key_hash`. */
type NameOf<V extends string> = Lowercase<V extends `MCP_${infer Rest}` ? Rest : V>;

/** Secrets that a manifest declares, and the keys that services sign with. */
export type DeclaredSecret = NameOf<SecretVariable> | SigningKeyName;
/** Secrets of a platform. Kubernetes names them, the local runner reads them from files; here they are only asked for. */
export type SecretName = DeclaredSecret | 'nats_password';

/** A secret with the variable whose value it is. */
export interface SecretRow extends Secret {
  readonly name: DeclaredSecret;
  readonly variable: string;
}

/** What a variable's secret is called where it is asked for. */
export function secretNameOf(variable: string): DeclaredSecret {
  return variable.replace(/^MCP_/, '').toLowerCase() as DeclaredSecret;
}

function secretsIn(settings: Settings, nameOf: (variable: string) => DeclaredSecret): SecretRow[] {
  return Object.entries(settings).flatMap(([variable, { secret }]) =>
    secret === undefined ? [] : [{ ...secret, name: nameOf(variable), variable }],
  );
}

const rows = [
  ...secretsIn(commonSettings, secretNameOf),
  ...signingServices.flatMap((name) => secretsIn(signingKeySetting(name), () => signingKeyOf(name))),
  ...ServiceName.options.flatMap((name) => secretsIn(services[name].settings, secretNameOf)),
];

/** Every secret by its name. */
export const SECRETS = Object.fromEntries(rows.map((row) => [row.name, row])) as Readonly<
  Record<DeclaredSecret, SecretRow>
>;

/** The secret with what a service makes its signing key from. */
export function signingSecretOf(service: ServiceName): SecretRow {
  const row = rows.find(({ variable }) => variable === serviceVariable(service, 'SIGNING_KEY'));
  if (row === undefined) throw new Error(`${service} calls nobody, so that it signs nothing.`);
  return row;
}
