/** Lines of the bootstrap. It speaks on standard error, so that a command's own output stays clean. */
const started_ms = Date.now();

export function say(line) {
  process.stderr.write(`${line}\n`);
}

/** Ends with one clear line: what failed, why, the way out. */
export function fail(line) {
  say(`\n${line}`);
  process.exit(1);
}

export function seconds(since_ms = started_ms) {
  return `${((Date.now() - since_ms) / 1000).toFixed(1)} s`;
}
