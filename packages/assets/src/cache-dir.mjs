import { homedir } from 'node:os';
import { join } from 'node:path';

/**
 * Where everything fetched is kept between checkouts: MCP_CACHE, else the system's place for caches.
 * Plain JavaScript, for the bootstrap runs it under any Node from 18 on.
 */
export function cacheDir(env = process.env) {
  if (env.MCP_CACHE) return env.MCP_CACHE;
  if (process.platform === 'darwin') return join(homedir(), 'Library', 'Caches', 'mcp-platform');
  if (process.platform === 'win32')
    return join(env.LOCALAPPDATA || join(homedir(), 'AppData', 'Local'), 'mcp-platform');
  return join(env.XDG_CACHE_HOME || join(homedir(), '.cache'), 'mcp-platform');
}
