import { execFile } from 'node:child_process';
import { mkdtemp, rm, symlink, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import { createCanvas, loadImage } from 'canvas';
import { describe, expect, it } from 'vitest';
import { renderPlot } from '../../src/charts/render-png.js';
import { examplePanels, examplePlot, valuesOf } from './example-plot.js';

const repository = fileURLToPath(new URL('../../', import.meta.url));

interface Picture {
  readonly width: number;
  readonly height: number;
  /** How many pixels of the rectangle `left, top, width, height` (default: all) the test holds for. */
  count(test: (red: number, green: number, blue: number) => boolean, area?: readonly number[]): number;
}

async function decode(png: Uint8Array): Promise<Picture> {
  expect([...png.subarray(0, 8)]).toEqual([0x89, 0x50, 0x4e, 0x47, 0x0d, 0x0a, 0x1a, 0x0a]);
  const image = await loadImage(Buffer.from(png));
  const { width, height } = image;
  const context = createCanvas(width, height).getContext('2d');
  context.drawImage(image, 0, 0);
  return {
    width,
    height,
    count: (test, [left = 0, top = 0, areaWidth = width, areaHeight = height] = []) => {
      const { data } = context.getImageData(left, top, areaWidth, areaHeight);
      let found = 0;
      for (let at = 0; at < data.length; at += 4) {
        if (test(data[at] ?? 0, data[at + 1] ?? 0, data[at + 2] ?? 0)) found++;
      }
      return found;
    },
  };
}

const isRed = (red: number, green: number, blue: number): boolean => red > 190 && green < 70 && blue < 70;
const isGreen = (red: number, green: number, blue: number): boolean => green > 120 && red < 80 && blue < 140;
const isBlue = (red: number, green: number, blue: number): boolean => blue > 150 && red < 80 && green < 140;
const isDark = (red: number, green: number, blue: number): boolean => red < 90 && green < 90 && blue < 90;
/** Where the title stands in the default size. */
const TITLE_AREA = [200, 8, 800, 26];

describe('renderPlot', () => {
  it('draws a PNG of 1200 x 600 pixels, or of the size asked for', async () => {
    expect(await decode(renderPlot(examplePlot(20, 3)))).toMatchObject({ width: 1200, height: 600 });
    expect(await decode(renderPlot(examplePlot(20, 3), { width: 640, height: 360 }))).toMatchObject({
      width: 640,
      height: 360,
    });
  });

  it('shows red where rows are anomalous and nowhere else', async () => {
    expect((await decode(renderPlot(examplePlot(20, 0)))).count(isRed)).toBe(0);
    for (const rows of [1, 20, 200_000]) {
      const picture = await decode(renderPlot(examplePlot(rows, 1)));
      // The rows in the plot's area, not the legend's entry alone: once on the value, once on the score.
      expect(picture.count(isRed, [80, 100, 1050, 270]), `${rows} rows`).toBeGreaterThan(15);
      expect(picture.count(isRed, [80, 370, 1050, 150]), `${rows} rows`).toBeGreaterThan(10);
    }
  });

  it('draws thousands of anomalous rows too', async () => {
    const picture = await decode(renderPlot(examplePlot(20_000, 4000)));
    expect(picture.count(isRed, [80, 100, 1050, 270])).toBeGreaterThan(10_000);
    expect(picture.count(isRed, [80, 370, 1050, 150])).toBeGreaterThan(2000);
  });

  it('draws the value green above the score in blue', async () => {
    const picture = await decode(renderPlot(examplePlot(7260, 0)));
    expect(picture.count(isGreen, [80, 100, 1050, 270])).toBeGreaterThan(1000);
    expect(picture.count(isBlue, [80, 370, 1050, 150])).toBeGreaterThan(500);
    expect(picture.count(isBlue, [80, 100, 1050, 270])).toBe(0);
    expect(picture.count(isGreen, [80, 370, 1050, 150])).toBe(0);
  });

  it('draws columns below each other, in a higher picture, each with its red marks', async () => {
    const picture = await decode(renderPlot(examplePanels(600, 30, { temperature: 0.3, power: 1, flow: 0.01 })));
    expect(picture).toMatchObject({ width: 1200, height: 960 });
    for (const top of [130, 325, 528]) {
      expect(picture.count(isGreen, [80, top, 1000, 187]), `panel at ${top}`).toBeGreaterThan(500);
      expect(picture.count(isRed, [80, top, 1000, 187]), `panel at ${top}`).toBeGreaterThan(200);
      expect(picture.count(isBlue, [80, top, 1000, 187]), `panel at ${top}`).toBe(0);
    }
    expect(picture.count(isBlue, [80, 760, 1000, 120])).toBeGreaterThan(500);
    expect(picture.count(isGreen, [80, 760, 1000, 120])).toBe(0);
  });

  it('draws no line over a gap', async () => {
    const data = examplePlot(7260, 0, { values: new Float64Array(7260).fill(210) });
    const middle = [500, 100, 100, 270] as const;
    expect((await decode(renderPlot(data))).count(isGreen, middle)).toBeGreaterThan(50);
    const holed = valuesOf(data).map((value, at) => (at > 2500 && at < 4500 ? Number.NaN : value));
    expect((await decode(renderPlot(examplePlot(7260, 0, { values: holed })))).count(isGreen, middle)).toBe(0);
  });

  it('gives the same bytes for the same data', () => {
    const first = renderPlot(examplePlot(7260, 60));
    renderPlot(examplePlot(20, 3, { name: 'load' }));
    expect(Buffer.from(renderPlot(examplePlot(7260, 60))).equals(first)).toBe(true);
  });

  it('says so when there are no rows', async () => {
    const picture = await decode(renderPlot(examplePlot(0, 0)));
    expect(picture.count(isDark, TITLE_AREA)).toBeGreaterThan(200);
    expect(picture.count((red) => red < 160, [500, 280, 200, 40])).toBeGreaterThan(100);
    expect(picture.count((red) => red < 250, [0, 350, 1200, 250])).toBe(0);
  });

  it('draws any series and any name without failing', async () => {
    const series = [
      examplePlot(50, 5, { values: new Float64Array(50).fill(Number.NaN) }),
      examplePlot(50, 5, { scores: new Float64Array(50).fill(Number.NaN) }),
      examplePlot(50, 5, { values: new Float64Array(50).fill(7) }),
      examplePlot(50, 5, { values: new Float64Array(50).map((_, at) => (at - 25) * 7e306) }),
      examplePlot(50, 5, { values: new Float64Array(50).map((_, at) => at * 5e-324) }),
      examplePlot(50, 5, { timesMs: new Float64Array(50).fill(1_795_500_000_000) }),
      examplePlot(2, 1, { timesMs: Float64Array.of(-9.2e12, 9.2e12) }),
      examplePlot(50, 5, { uniqueId: 'W'.repeat(10_000), name: '\u0000\n\u202e\ud800'.repeat(5000) }),
      examplePlot(50, 5, { uniqueId: '', name: '' }),
    ];
    for (const data of series) {
      const picture = await decode(renderPlot(data));
      expect(picture.count(isDark, TITLE_AREA)).toBeGreaterThan(200);
      // However long a name is, it stays clear of the edges.
      expect(picture.count((red) => red < 250, [0, 0, 8, 600])).toBe(0);
      expect(picture.count((red) => red < 250, [1192, 0, 8, 600])).toBe(0);
    }
  });

  it('refuses a size that is no size', () => {
    for (const width of [0, 199, 4097, 640.5, Number.NaN]) {
      expect(() => renderPlot(examplePlot(20, 3), { width })).toThrow(`got \`${width}\``);
    }
  });

  it('draws the same text where no fonts are installed', { timeout: 60_000 }, async () => {
    const folder = await mkdtemp(join(tmpdir(), 'halfspace-fonts-'));
    try {
      const { families, png } = await renderInBareProcess(folder);
      expect(families).toEqual([]);
      const drawn = Buffer.from(png, 'base64');
      expect((await decode(drawn)).count(isDark, TITLE_AREA)).toBeGreaterThan(200);
      expect(drawn.equals(renderPlot(examplePlot(0, 0, { uniqueId: 'bare' })))).toBe(true);
    } finally {
      await rm(folder, { recursive: true });
    }
  });
});

/** Compiles the renderer into the folder and runs it in a process of its own that finds no fonts of the system. */
async function renderInBareProcess(folder: string): Promise<{ readonly families: string[]; readonly png: string }> {
  const run = promisify(execFile);
  await symlink(join(repository, 'node_modules'), join(folder, 'node_modules'));
  const options = {
    noEmit: false,
    rootDir: join(repository, 'src'),
    outDir: folder,
    typeRoots: [join(repository, 'node_modules/@types')],
  };
  const project = {
    extends: join(repository, 'tsconfig.json'),
    compilerOptions: options,
    include: [],
    files: [join(repository, 'src/charts/render-png.ts')],
  };
  await writeFile(join(folder, 'package.json'), '{"type":"module"}');
  await writeFile(join(folder, 'tsconfig.json'), JSON.stringify(project));
  await run(process.execPath, [join(repository, 'node_modules/typescript/bin/tsc'), '-p', folder]);
  const script = `
    import { GlobalFonts } from 'canvas';
    import { renderPlot } from './charts/render-png.js';
    const none = { timesMs: new Float64Array(), scores: new Float64Array(), anomalous: new Uint8Array() };
    const families = GlobalFonts.families.map(({ family }) => family);
    const png = renderPlot({ uniqueId: 'bare', threshold: 0.8, columns: [{ name: 'power', values: new Float64Array(), bounds: null }], reasons: [], ...none });
    process.stdout.write(JSON.stringify({ families, png: Buffer.from(png).toString('base64') }));`;
  await writeFile(join(folder, 'bare.mjs'), script);
  const env = { ...process.env, FONTCONFIG_FILE: '/dev/null', DISABLE_SYSTEM_FONTS_LOAD: '1' };
  const { stdout } = await run(process.execPath, [join(folder, 'bare.mjs')], { env, maxBuffer: 1e8 });
  return JSON.parse(stdout);
}
