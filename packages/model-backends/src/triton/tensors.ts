/** Tensors of KServe v2 over gRPC: what is sent as one, and the values of those that came. */
import { PlatformError } from '@mcp/contracts';
import { z } from 'zod';
import type { Metadata } from './models.ts';

const Bytes = z.instanceof(Uint8Array);
const Numbers = z.array(z.number());
const Contents = z.object({
  bool_contents: z.array(z.boolean()),
  int_contents: Numbers,
  int64_contents: Numbers,
  uint_contents: Numbers,
  uint64_contents: Numbers,
  fp32_contents: Numbers,
  fp64_contents: Numbers,
  bytes_contents: z.array(Bytes),
});
const Output = z.object({
  name: z.string(),
  datatype: z.string(),
  shape: Numbers,
  contents: Contents.nullable(),
});
/** What a model answers, as it comes. */
export const Inferred = z.object({
  model_name: z.string(),
  outputs: z.array(Output),
  /** The values of the outputs, in their order: a server sends them so or as contents. */
  raw_output_contents: z.array(Bytes),
});
export type Inferred = z.infer<typeof Inferred>;

type Scalar = string | number | boolean;
type Input = Metadata['inputs'][number];

/** A request to a model: what it has an input for is a tensor of one value, the rest are parameters. */
export function inferRequest(model: string, fields: object, inputs: readonly Input[]): object {
  const known = new Map(inputs.map((input) => [input.name, input]));
  const { parameters = {}, ...others } = fields as { parameters?: Readonly<Record<string, Scalar>> };
  const rows = Object.entries(others) as [string, Scalar][];
  const more = [...rows.filter(([name]) => !known.has(name)), ...Object.entries(parameters)];
  return {
    model_name: model,
    inputs: rows.flatMap(([name, value]) => {
      const input = known.get(name);
      return input === undefined ? [] : [oneValue(input, value)];
    }),
    parameters: Object.fromEntries(more.map(([name, value]) => [name, parameterOf(value)])),
  };
}

/** Texts as one input of a model, a row each. */
export function textsRequest(model: string, name: string, texts: readonly string[]): object {
  const contents = { bytes_contents: texts.map((text) => Buffer.from(text)) };
  return { model_name: model, inputs: [{ name, datatype: 'BYTES', shape: [texts.length, 1], contents }] };
}

function oneValue({ name, datatype, shape }: Input, value: Scalar): object {
  const contents =
    datatype === 'BOOL'
      ? { bool_contents: [value === true] }
      : { bytes_contents: [Buffer.from(String(value))] };
  return { name, datatype, shape: shape.map((size) => Math.max(1, size)), contents };
}

function parameterOf(value: Scalar): object {
  switch (typeof value) {
    case 'boolean':
      return { bool_param: value };
    case 'number':
      return Number.isInteger(value) ? { int64_param: value } : { double_param: value };
    default:
      return { string_param: String(value) };
  }
}

/** The values of each output by its name: texts as such. Throws `upstream_failed` for bytes that are none. */
export function valuesOf({ outputs, raw_output_contents: raw }: Inferred): Record<string, Scalar[]> {
  return Object.fromEntries(
    outputs.map(({ name, datatype, contents }, at) => {
      const bytes = raw[at];
      return [name, bytes === undefined ? sent(contents) : unpacked(datatype, Buffer.from(bytes))];
    }),
  );
}

function sent(contents: z.infer<typeof Contents> | null): Scalar[] {
  if (contents === null) return [];
  const { bytes_contents: texts, ...others } = contents;
  return [...texts.map((bytes) => Buffer.from(bytes).toString()), ...Object.values(others).flat()];
}

/** How many bytes a value has, and how it is read. Little endian, as KServe has it. */
const NUMBERS: Readonly<Record<string, readonly [number, (bytes: Buffer, at: number) => number | boolean]>> =
  {
    BOOL: [1, (bytes, at) => bytes.readUInt8(at) !== 0],
    UINT8: [1, (bytes, at) => bytes.readUInt8(at)],
    UINT16: [2, (bytes, at) => bytes.readUInt16LE(at)],
    UINT32: [4, (bytes, at) => bytes.readUInt32LE(at)],
    UINT64: [8, (bytes, at) => Number(bytes.readBigUInt64LE(at))],
    INT8: [1, (bytes, at) => bytes.readInt8(at)],
    INT16: [2, (bytes, at) => bytes.readInt16LE(at)],
    INT32: [4, (bytes, at) => bytes.readInt32LE(at)],
    INT64: [8, (bytes, at) => Number(bytes.readBigInt64LE(at))],
    FP32: [4, (bytes, at) => bytes.readFloatLE(at)],
    FP64: [8, (bytes, at) => bytes.readDoubleLE(at)],
  };

function unpacked(datatype: string, bytes: Buffer): Scalar[] {
  if (datatype === 'BYTES') return texts(bytes);
  const [size, read] = NUMBERS[datatype] ?? [];
  if (size === undefined || read === undefined || bytes.length % size !== 0) throw unreadable(datatype);
  return Array.from({ length: bytes.length / size }, (_, at) => read(bytes, at * size));
}

/** Each with its length before it. */
function texts(bytes: Buffer): string[] {
  const found: string[] = [];
  for (let at = 0; at < bytes.length; ) {
    const from = at + 4;
    if (from > bytes.length) throw unreadable('BYTES');
    at = from + bytes.readUInt32LE(at);
    if (at > bytes.length) throw unreadable('BYTES');
    found.push(bytes.toString('utf8', from, at));
  }
  return found;
}

function unreadable(datatype: string): PlatformError {
  return new PlatformError(
    'upstream_failed',
    `Triton sent a tensor of ${datatype.slice(0, 20)} that cannot be read.`,
  );
}
