import { z } from 'zod';
import { HalfspaceError } from '../../contract/failures.js';

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
