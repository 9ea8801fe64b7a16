/** What a manifest says about a feature flag. */
import { z } from 'zod';
import { jsonText } from './text.ts';

/** A variable of the flag's name (`true` or `false`) overrides the default; a stack sets it in `features`. */
const Flag = z.strictObject({ default: z.boolean(), description: z.string().min(1) });

/** Flags by name, which tells them from other variables. */
export const FlagTable = z
  .record(
    z.string().regex(/^[A-Z][A-Z0-9_]*_(ENABLED|SHADOW|DEBUG)$/, 'must end in _ENABLED, _SHADOW or _DEBUG'),
    Flag,
  )
  .readonly();
export type FlagTable = z.infer<typeof FlagTable>;

/** Every flag of the platform, as an administrator is shown them. */
export const FlagList = jsonText(z.array(Flag.extend({ name: z.string() })));
