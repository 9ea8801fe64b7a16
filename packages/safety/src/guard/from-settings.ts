import type { Residency, ResidencyRules } from '@mcp/contracts';
import { createGuard, type Guard } from './guard.ts';
import { Moderator } from './moderation.ts';
import type { SafetyPolicy } from './policy.ts';

/** The values of `safetySettings`. */
interface Settings {
  readonly MCP_SAFETY: SafetyPolicy['mode'];
  readonly MCP_SAFETY_MODERATE: SafetyPolicy['moderate'];
  readonly MCP_SAFETY_CLASSIFIER: SafetyPolicy['classifier'];
  readonly MCP_SAFETY_ALLOW: SafetyPolicy['allow'];
  readonly MCP_MODERATION_URL?: string | undefined;
  readonly MCP_MODERATION_KEY?: string | undefined;
  readonly MCP_MODERATION_MODEL: string;
  readonly MCP_MODERATION_ON_FAILURE: 'closed' | 'open';
  readonly MCP_MODERATION_RESIDENCY?: Residency | undefined;
  readonly MODEL_RESIDENCY: ResidencyRules;
}

/** The guard that settings ask for. `onFailure` is told when the moderation does not answer. */
export function guardOf(settings: Settings, onFailure: (error: unknown) => void): Guard {
  const { MCP_MODERATION_URL: url } = settings;
  const policy: SafetyPolicy = {
    mode: settings.MCP_SAFETY,
    moderate: settings.MCP_SAFETY_MODERATE,
    classifier: settings.MCP_SAFETY_CLASSIFIER,
    allow: settings.MCP_SAFETY_ALLOW,
  };
  if (url === undefined) return createGuard(policy);
  return createGuard(
    policy,
    new Moderator({
      url,
      key: settings.MCP_MODERATION_KEY,
      model: settings.MCP_MODERATION_MODEL,
      on_failure: settings.MCP_MODERATION_ON_FAILURE,
      residency: settings.MCP_MODERATION_RESIDENCY,
      rules: settings.MODEL_RESIDENCY,
      onFailure,
    }),
  );
}
