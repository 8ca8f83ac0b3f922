import type { Series, SliSamples, Verdict } from '@wavegate/fleet';
import { readBaseline, type Baseline } from './baseline.js';
import { believable } from './sample-series.js';

export interface PlotOptions {
  /** Where a line marks the deciding period. */
  readonly verdict?: Pick<Verdict, 'kind' | 'period'>;
  readonly periodMs?: number;
  readonly width?: number;
  readonly height?: number;
  readonly title?: string;
}

interface Frame {
  readonly width: number;
  readonly height: number;
  readonly x: (period: number) => number;
  readonly y: (share: number) => number;
  readonly top: number;
  readonly count: number;
}

const MARGIN = { left: 64, right: 16, top: 40, bottom: 36 };
const COLORS: Readonly<Record<Verdict['kind'], string>> = {
  promote: '#1a7f37',
  hold: '#9a6700',
  inconclusive: '#9a6700',
  rollback: '#cf222e',
};
/** The band holds nineteen of twenty periods of a cluster that goes on as before. */
const BAND = 1.96;

/**
 * One objective as an SVG picture: bad share per period, the band that the baseline leads one to expect, the objective,
 * the moment of the change, and the verdict. Gaps are gaps. The same input gives the same text.
 */
export function plotSli(sli: SliSamples, options: PlotOptions = {}): string {
  const baseline = readBaseline(sli.baseline);
  const series = [...sli.baseline, ...sli.after];
  const frame = frameOf(sli, series, options);
  const title = options.title ?? `${sli.name}: share of bad events`;
  const { width, height } = frame;
  return [
    `<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 ${width} ${height}" width="${width}" height="${height}" role="img" font-family="system-ui, sans-serif" font-size="12">`,
    `<title>${escaped(title)}</title>`,
    `<rect width="${width}" height="${height}" fill="#ffffff"/>`,
    `<text x="${MARGIN.left}" y="20" font-weight="600" fill="#1f2328">${escaped(title)}</text>`,
    ...axis(frame, sli, options),
    ...band(frame, baseline, series),
    ...objectiveLine(frame, sli),
    ...samples(frame, series, sli.baseline.length),
    ...changeLine(frame, sli),
    ...verdictLine(frame, sli, options),
    '</svg>',
    '',
  ].join('\n');
}

function frameOf(sli: SliSamples, series: Series, { width = 720, height = 260 }: PlotOptions): Frame {
  const shares = series.flatMap((raw) => shareOf(raw) ?? []);
  const top = Math.min(1, 1.15 * Math.max(1 - sli.objective, ...shares, 1e-6));
  const count = Math.max(1, series.length);
  const [inner, tall] = [width - MARGIN.left - MARGIN.right, height - MARGIN.top - MARGIN.bottom];
  const x = (period: number): number => MARGIN.left + ((period + 0.5) / count) * inner;
  const y = (share: number): number => MARGIN.top + tall - (Math.max(0, Math.min(top, share)) / top) * tall;
  return { width, height, x, y, top, count };
}

function shareOf(raw: Series[number] | undefined): number | null {
  const sample = believable(raw ?? undefined);
  return sample && sample[1] > 0 ? sample[0] / sample[1] : null;
}

function axis(frame: Frame, sli: SliSamples, { periodMs = 60_000 }: PlotOptions): string[] {
  const { x, y, top, width, height } = frame;
  const ticks = [0, top / 2, top].map((share) => {
    const at = px(y(share));
    return (
      `<line x1="${MARGIN.left}" x2="${width - MARGIN.right}" y1="${at}" y2="${at}" stroke="#d1d9e0"/>` +
      `<text x="${MARGIN.left - 6}" y="${px(y(share) + 4)}" text-anchor="end" fill="#59636e">${percent(share)}</text>`
    );
  });
  const minutes = (periods: number): string => `${Number(((periods * periodMs) / 60_000).toPrecision(3))} min`;
  const foot = height - 12;
  const words = (at: number, text: string): string =>
    `<text x="${px(at)}" y="${foot}" text-anchor="middle" fill="#59636e">${text}</text>`;
  const before = sli.baseline.length;
  return [
    ...ticks,
    ...(before > 0 ? [words(x(before / 2), `before: ${minutes(before)}`)] : []),
    words(x(before + sli.after.length / 2), `after the change: ${minutes(sli.after.length)}`),
  ];
}

/** p ± 1.96·√(φ·p(1 − p)/n), drawn through both sides of the change: what "as before" would look like. */
function band({ x, y }: Frame, { share, phi, periods }: Baseline, series: Series): string[] {
  if (periods < 2) return [];
  const mean = series.flatMap((raw) => believable(raw)?.[1] ?? []);
  const usual = mean.reduce((all, total) => all + total, 0) / Math.max(1, mean.length);
  const edges = series.map((raw, at) => {
    const total = believable(raw)?.[1] || usual;
    const reach = BAND * Math.sqrt((phi * share * (1 - share)) / Math.max(1, total));
    return { at, low: share - reach, high: share + reach };
  });
  const up = edges.map(({ at, high }) => `${px(x(at))},${px(y(high))}`);
  const down = edges.toReversed().map(({ at, low }) => `${px(x(at))},${px(y(low))}`);
  const [first, last] = [px(x(0)), px(x(series.length - 1))];
  return [
    `<polygon points="${[...up, ...down].join(' ')}" fill="#0969da" fill-opacity="0.14"/>`,
    `<line x1="${first}" x2="${last}" y1="${px(y(share))}" y2="${px(y(share))}" stroke="#0969da" stroke-opacity="0.5"/>`,
  ];
}

function objectiveLine({ y, width }: Frame, { objective }: SliSamples): string[] {
  const at = px(y(1 - objective));
  return [
    `<line x1="${MARGIN.left}" x2="${width - MARGIN.right}" y1="${at}" y2="${at}" stroke="#cf222e" stroke-dasharray="2 4"/>`,
    `<text x="${width - MARGIN.right}" y="${px(y(1 - objective) - 4)}" text-anchor="end" fill="#cf222e">objective ${Number((objective * 100).toPrecision(6))} %</text>`,
  ];
}

/** Joined where periods follow each other, apart where one is missing. */
function samples({ x, y }: Frame, series: Series, change: number): string[] {
  const runs: string[][] = [[]];
  const dots = series.flatMap((raw, at) => {
    const share = shareOf(raw);
    if (share === null) {
      runs.push([]);
      return [];
    }
    runs.at(-1)?.push(`${px(x(at))},${px(y(share))}`);
    const color = at < change ? '#59636e' : '#1f2328';
    return [`<circle cx="${px(x(at))}" cy="${px(y(share))}" r="2.2" fill="${color}"/>`];
  });
  const lines = runs.filter((run) => run.length > 1);
  return [...lines.map((run) => `<polyline points="${run.join(' ')}" fill="none" stroke="#8c959f"/>`), ...dots];
}

function changeLine({ x, height }: Frame, { baseline }: SliSamples): string[] {
  const at = px(x(baseline.length - 0.5));
  return [
    `<line x1="${at}" x2="${at}" y1="${MARGIN.top - 8}" y2="${height - MARGIN.bottom}" stroke="#1f2328" stroke-dasharray="5 3"/>`,
    `<text x="${at}" y="${MARGIN.top - 10}" text-anchor="middle" fill="#1f2328">change</text>`,
  ];
}

function verdictLine({ x, height, width }: Frame, { baseline }: SliSamples, { verdict }: PlotOptions): string[] {
  if (!verdict) return [];
  const color = COLORS[verdict.kind] ?? '#1f2328';
  if (verdict.period === null) {
    return [
      `<text x="${width - MARGIN.right}" y="20" text-anchor="end" fill="${color}">${escaped(verdict.kind)}: not decided</text>`,
    ];
  }
  const at = px(x(baseline.length + verdict.period - 1));
  const words = `${escaped(verdict.kind)} in period ${verdict.period}`;
  return [
    `<line x1="${at}" x2="${at}" y1="${MARGIN.top}" y2="${height - MARGIN.bottom}" stroke="${color}" stroke-width="2"/>`,
    `<text x="${width - MARGIN.right}" y="20" text-anchor="end" font-weight="600" fill="${color}">${words}</text>`,
  ];
}

const px = (value: number): string => String(Number(value.toFixed(1)));
const percent = (share: number): string => `${Number((share * 100).toPrecision(2))} %`;

function escaped(text: string): string {
  return text.replaceAll('&', '&amp;').replaceAll('<', '&lt;').replaceAll('>', '&gt;').replaceAll('"', '&quot;');
}
