import { runMain } from '@mcp/service-kit';
import { definition } from './definition.ts';

await runMain(definition);
