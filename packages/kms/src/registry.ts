/** Every kind of key management service. A new one: its file here, its row of `KmsSettings`, its case. */
import type { Kms } from './kms.ts';
import { LocalKms } from './local.ts';
import type { KmsSettings } from './settings.ts';

export interface KmsSecrets {
  /** `MCP_KMS_KEY`. */
  readonly key: string;
  /** `MCP_KMS_TOKEN`. */
  readonly token: string | undefined;
}

/** Opens one. The clients are large: only who uses one loads it. */
export async function openKms(settings: KmsSettings, { key, token }: KmsSecrets): Promise<Kms> {
  switch (settings.kind) {
    case 'local':
      return new LocalKms(key);
    case 'vault': {
      const { VaultKms } = await import('./vault.ts');
      return new VaultKms(settings, token);
    }
    case 'aws': {
      const { AwsKms } = await import('./aws.ts');
      return new AwsKms(settings);
    }
    case 'gcp': {
      const { GcpKms } = await import('./gcp.ts');
      return new GcpKms(settings, token);
    }
    default:
      return settings satisfies never;
  }
}
