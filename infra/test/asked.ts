/** What charts ask constructs of cdk8s-plus for, and what of it is not in the objects that come of it. */
import * as pulumi from '@pulumi/pulumi';
import { Duration, Size } from 'cdk8s';
import { Construct } from 'constructs';
import { ASSUMED, asKept } from '../kit/kept.ts';

/** A construct by its path, with every value that it was given. */
export interface Asked {
  readonly path: string;
  readonly values: string[];
}

/** Said to cdk8s-plus and meant for it alone. */
const NOT_A_FIELD = new Set(['select', 'default']);
/** Of constructs that are given to others, what those write down. */
const OF_A_CONSTRUCT = ['name', 'labels', 'namespaces', 'cidr', 'except', 'config'] as const;

/** The values in what a construct is given, however deep, as the objects spell them. */
export function valuesOf(given: unknown): string[] {
  // Of an Output there is nothing to read yet.
  if (given === undefined || given === null || pulumi.Output.isInstance(given)) return [];
  if (given instanceof Duration) return [String(given.toSeconds())];
  if (given instanceof Size) return [quantity(`${given.toMebibytes()}Mi`)];
  if (Array.isArray(given)) return given.flatMap(valuesOf);
  if (typeof given !== 'object') return [String(given)];
  const fields = given as Readonly<Record<string, unknown>>;
  if (given instanceof Construct) return OF_A_CONSTRUCT.flatMap((key) => valuesOf(fields[key]));
  // Probes and metrics keep their options twice.
  const once = fields.httpGetOptions ?? fields.tcpSocketOptions ?? fields.commandOptions ?? fields.metric;
  if (once !== undefined) return valuesOf(once);
  return Object.entries(fields).flatMap(([key, one]) => {
    if (NOT_A_FIELD.has(key) || (key in ASSUMED && ASSUMED[key] === one)) return [];
    // The pod has it as a volume, where the rest of it is.
    if (key === 'volume') return valuesOf((one as { name: string }).name);
    // How cdk8s-plus writes quantities, for the CPU and for the size of a volume.
    if (key === 'amount' || key === 'sizeLimit') return valuesOf(one).map(quantity);
    return valuesOf(one);
  });
}

function quantity(text: string): string {
  const { limits } = asKept({ apiVersion: 'v1', limits: { text } });
  return String(limits.text);
}

/** What was asked for more often than it came out. */
export function lost(asked: readonly string[], object: unknown): string[] {
  const left = new Map<string, number>();
  const add = (text: string) => left.set(text, (left.get(text) ?? 0) + 1);
  const count = (value: unknown): void => {
    if (value === null || typeof value !== 'object') add(String(value));
    else
      for (const [key, one] of Object.entries(value)) {
        // Labels are told by key and value.
        if (!Array.isArray(value)) add(key);
        count(one);
      }
  };
  count(object);
  return asked.filter((value) => {
    const many = left.get(value) ?? 0;
    left.set(value, many - 1);
    return many <= 0;
  });
}
