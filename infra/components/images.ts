import { dirname, join, relative } from 'node:path';
import { fileURLToPath } from 'node:url';
import type { ServiceName } from '@mcp/contracts';
import type { Stack } from '@mcp/stacks';
import { Image, Platform } from '@pulumi/docker-build';
import * as pulumi from '@pulumi/pulumi';
import type { Images } from '../context.ts';
import { buildArgumentsOf } from '../weights.ts';

/** The checkout, as seen from where the program runs: the same on every machine. */
const ROOT = relative(process.cwd(), join(dirname(fileURLToPath(import.meta.url)), '..', '..')) || '.';

/**
 * The images of a stack (`mcp:platform:Images`). Where the stack builds, services come from the Dockerfile and images
 * of others from a mirror in the same registry; both are named by the digest that was pushed. Else by fixed tag.
 */
export class PlatformImages extends pulumi.ComponentResource implements Images {
  /** Reference of every image asked for, by name: a stack output. */
  readonly references: Record<string, pulumi.Input<string>> = {};
  readonly #stack: Stack;

  constructor(name: string, args: { stack: Stack }, options: pulumi.ComponentResourceOptions = {}) {
    super('mcp:platform:Images', name, {}, options);
    this.#stack = args.stack;
    this.registerOutputs({});
  }

  service(name: ServiceName): pulumi.Input<string> {
    const { repository, tag, build } = this.#stack.kubernetes.images;
    const reference = `${repository}/${name}:${tag}`;
    const placement = this.#stack.services.find((one) => one.service === name);
    this.references[name] ??= build
      ? this.#build(name, reference, {
          context: { location: ROOT },
          dockerfile: { location: join(ROOT, 'Dockerfile') },
          target: 'prod',
          buildArgs: buildArgumentsOf(this.#stack, placement ?? { service: name, in_process: [] }),
        })
      : reference;
    return this.references[name];
  }

  other(image: string): pulumi.Input<string> {
    const { repository, build } = this.#stack.kubernetes.images;
    if (!build) return image;
    const [name = image, tag = ''] = (image.split('/').at(-1) ?? image).split(':');
    this.references[name] ??= this.#build(name, `${repository}/${name}:${tag}`, {
      dockerfile: { inline: `FROM ${image}\n` },
    });
    return this.references[name];
  }

  #build(
    name: string,
    reference: string,
    source: Pick<
      ConstructorParameters<typeof Image>[1] & object,
      'context' | 'dockerfile' | 'target' | 'buildArgs'
    >,
  ): pulumi.Output<string> {
    const { platforms, cache } = this.#stack.kubernetes.images;
    const image = new Image(
      name,
      {
        ...source,
        tags: [reference],
        push: true,
        platforms: platforms.map((platform) =>
          platform === 'linux/amd64' ? Platform.Linux_amd64 : Platform.Linux_arm64,
        ),
        ...(cache === undefined
          ? {}
          : {
              cacheFrom: [{ registry: { ref: `${cache}:${name}` } }],
              cacheTo: [{ registry: { ref: `${cache}:${name}`, mode: 'max' } }],
            }),
      },
      { parent: this },
    );
    return image.ref;
  }
}
