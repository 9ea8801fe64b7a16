import * as pulumi from '@pulumi/pulumi';
import type { IResolver, ResolutionContext } from 'cdk8s';

const TOKEN = /\$\{pulumi:(\d+)\}/g;

/**
 * Carries Pulumi Outputs through cdk8s, which knows plain values only: while cdk8s makes a manifest each Output is a
 * placeholder, afterwards {@link OutputTokens.substitute} puts the Outputs back. Secretness and dependencies are kept,
 * and a preview shows every object even while values are unknown.
 */
export class OutputTokens implements IResolver {
  readonly #outputs: pulumi.Output<unknown>[] = [];
  readonly #tokens = new Map<unknown, string>();

  /** Called by cdk8s for every value of an object. */
  resolve(context: ResolutionContext): void {
    if (pulumi.Output.isInstance(context.value)) context.replaceValue(this.#token(context.value));
  }

  /** A manifest with its Outputs in place again. Throws when an Output was used as a key. */
  substitute(value: unknown): unknown {
    if (typeof value === 'string') return this.#leaf(value);
    if (Array.isArray(value)) return value.map((one) => this.substitute(one));
    if (value === null || typeof value !== 'object') return value;
    return Object.fromEntries(
      Object.entries(value).map(([key, one]) => {
        if (key.match(TOKEN) !== null)
          throw new Error(`A Pulumi Output cannot be a key of a manifest (${key}). Use it as a value.`);
        return [key, this.substitute(one)];
      }),
    );
  }

  #token(output: pulumi.Output<unknown>): string {
    const known = this.#tokens.get(output);
    if (known !== undefined) return known;
    const token = `\${pulumi:${this.#outputs.push(output) - 1}}`;
    this.#tokens.set(output, token);
    return token;
  }

  #leaf(text: string): unknown {
    const parts: pulumi.Input<string>[] = [];
    let end = 0;
    for (const match of text.matchAll(TOKEN)) {
      const output = this.#outputs[Number(match[1])];
      if (output === undefined) throw new Error(`${match[0]} is not a placeholder of this chart.`);
      if (match[0].length === text.length) return output;
      parts.push(text.slice(end, match.index), output as pulumi.Output<string>);
      end = match.index + match[0].length;
    }
    return parts.length === 0 ? text : pulumi.concat(...parts, text.slice(end));
  }
}

/** An Output where a construct of cdk8s-plus wants a text: it is only carried to the object, where it is resolved. */
export function textOf(value: pulumi.Input<string>): string {
  return value as string;
}
