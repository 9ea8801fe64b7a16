/**
 * Preloaded into every service that the local runner starts: the channel to the runner closes when the runner
 * ends in any way, `kill -9` included, and then the service drains and ends, too.
 */
const LAST_MOMENT_MS = 3000;

// What the service forks itself (llama.cpp tests its binary so) must not inherit this preload.
const at = process.execArgv.indexOf('--import');
if (at >= 0 && process.execArgv[at + 1] === import.meta.url) process.execArgv.splice(at, 2);

process.on('disconnect', () => {
  setTimeout(() => process.exit(1), LAST_MOMENT_MS).unref();
  process.kill(process.pid, 'SIGTERM');
});
process.channel?.unref();
if (process.connected === false) process.exit(1);
