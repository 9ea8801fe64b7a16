import * as pulumi from '@pulumi/pulumi';

/**
 * What ends the program before anything is planned: each line one thing that the operator must change. Pulumi shows a
 * RunError without its stack, but looks through the stack all the same, which takes Node 22 some 20 s: it has none.
 */
export function fault(lines: readonly string[]): pulumi.RunError {
  const error = new pulumi.RunError(lines.join('\n'));
  error.stack = '';
  return error;
}
