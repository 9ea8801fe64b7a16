import { createRequire } from 'node:module';
import { dirname, join } from 'node:path';
import { jsonText, listText, RegionRoute } from '@mcp/contracts';
import { RemoteBackendEnv, RemoteBackendList } from '@mcp/model-backends';
import { ServingEnv } from '@mcp/model-serving';
import { MAX_BODY_BYTES } from '@mcp/service-kit';
import { z } from 'zod';
import { SecureUrl } from './auth/secure-url.ts';

const Origins = listText(
  z
    .array(
      z
        .url('must be origins such as https://app.example.com, separated by commas')
        .transform((value) => new URL(value).origin),
    )
    .max(64),
);

/** The gateway's environment. Names are documented in docs/configuration.md. */
export const GatewayEnv = z
  .object({
    ...RemoteBackendEnv.shape,
    ...ServingEnv.shape,
    /** Backends that the gateway asks itself, without the hop over the model-gateway. */
    MCP_REMOTE_BACKENDS: RemoteBackendList.default([]),
    /** SHA-256 (hex) of the bootstrap admin key, which works without the event bus. */
    MCP_ADMIN_KEY_HASH: z
      .string()
      .regex(/^[0-9a-f]{64}$/, 'must be the SHA-256 of the admin key, as 64 hex digits')
      .optional(),
    MCP_OIDC_ISSUER: SecureUrl.optional(),
    MCP_OIDC_AUDIENCE: z.string().min(1).optional(),
    /** Where the issuer's keys are, when not at the place its discovery document names. */
    MCP_JWKS_URL: SecureUrl.optional(),
    MCP_OIDC_SCOPE_PREFIX: z.string().max(100).default('mcp:'),
    MCP_RATE_REQUESTS_PER_MINUTE: z.coerce.number().int().min(1).max(10_000_000).default(6000),
    MCP_MAX_PARALLEL_REQUESTS: z.coerce.number().int().min(1).max(100_000).default(512),
    MCP_MAX_BODY_BYTES: z.coerce.number().int().min(1024).max(MAX_BODY_BYTES).default(MAX_BODY_BYTES),
    MCP_REQUEST_TIMEOUT_MS: z.coerce.number().int().min(1000).max(3_600_000).default(600_000),
    MCP_CONSOLE_DIR: z.string().min(1).default(builtConsole),
    /** Size of the trace store, which all services of the region share. */
    MCP_TRACE_STORE_BYTES: z.coerce
      .number()
      .int()
      .min(1_000_000)
      .default(128 * 1024 * 1024),
    /** The routing table: this region first. */
    MCP_REGIONS: jsonText(z.array(RegionRoute)).default([]),
    /** Origins of browser applications that may call the API; none by default. */
    MCP_CORS_ORIGINS: Origins.default([]),
  })
  .refine((env) => env.MCP_OIDC_ISSUER === undefined || env.MCP_OIDC_AUDIENCE !== undefined, {
    path: ['MCP_OIDC_AUDIENCE'],
    message: 'must name the audience of the tokens when MCP_OIDC_ISSUER is set',
  });
export type GatewayEnv = z.infer<typeof GatewayEnv>;

/** Where the console's package is built to; where that package is not, as in an image, beside what is started. */
function builtConsole(): string {
  try {
    return join(dirname(createRequire(import.meta.url).resolve('@mcp/console/package.json')), 'dist');
  } catch {
    return './console';
  }
}
