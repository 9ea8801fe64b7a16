/** What every backend makes of what a completion may ask for, without what the backends themselves are linked to. */

import type { BackendName } from '../manifest.ts';
import { features as embedded } from './embedded/features.ts';
import { type Features, supportOf } from './features.ts';
import { features as ollama } from './ollama/features.ts';
import { features as openai } from './openai/features.ts';
import { features as scripted } from './scripted/features.ts';

export const BACKEND_FEATURES: Readonly<Record<BackendName, Features>> = {
  embedded,
  ollama,
  openai,
  scripted,
};

export { supportOf };
