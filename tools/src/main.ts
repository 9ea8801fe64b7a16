import { enableCompileCache } from 'node:module';
import { compileCacheDir } from './paths.ts';

// Before anything large is loaded: a second start then compiles nothing.
enableCompileCache(compileCacheDir());
await import('./cli.ts');
