export function cacheDir(env?: NodeJS.ProcessEnv): string;
