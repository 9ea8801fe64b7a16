/** Messages and methods of gRPC services, read from .proto files: bytes on one side, plain objects on the other. */
import { readFileSync } from 'node:fs';
import protobuf from 'protobufjs';

export interface GrpcMethod {
  readonly path: string;
  encode(message: object): Buffer;
  /** Throws for bytes that are no such message. */
  decode(bytes: Uint8Array): unknown;
}

export class ProtoFile {
  readonly #root: protobuf.Root;

  constructor(file: URL) {
    this.#root = protobuf.parse(readFileSync(file, 'utf8'), { keepCase: true }).root;
  }

  method(service: string, name: string): GrpcMethod {
    const { requestType, responseType } = this.#root.lookupService(service).methods[name] ?? {};
    if (requestType === undefined || responseType === undefined)
      throw new Error(`${service} has no method ${name}: add it to its .proto file`);
    const of = (type: string) => `${service.slice(0, service.lastIndexOf('.'))}.${type}`;
    return {
      path: `/${service}/${name}`,
      encode: (message) => this.encode(of(requestType), message),
      decode: (bytes) => this.decode(of(responseType), bytes),
    };
  }

  encode(type: string, message: object): Buffer {
    const found = this.#root.lookupType(type);
    return Buffer.from(found.encode(found.fromObject(message)).finish());
  }

  /** Every field is there, as Protocol Buffers have it: one that was not sent has its default. */
  decode(type: string, bytes: Uint8Array): unknown {
    const found = this.#root.lookupType(type);
    return found.toObject(found.decode(bytes), { longs: Number, defaults: true });
  }
}
