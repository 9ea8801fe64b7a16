/** The reliability of risks as a picture: how often requests were bad against how often that was foretold. */
import { calibrationError, type Decided, reliability } from '@mcp/safety/calibration';

const WIDTH = 520;
const HEIGHT = 560;
const LEFT = 56;
const TOP = 48;
/** Side of the square from 0 to 1. */
const SIDE = 400;
const FOOT = TOP + SIDE;
const TICKS = [0, 0.2, 0.4, 0.6, 0.8, 1];
/** Radius of the point of a tenth that has all requests. */
const LARGEST = 16;
const SMALLEST = 3;

interface Series {
  readonly name: string;
  readonly color: string;
  readonly decided: readonly Decided[];
}

/** An SVG document. The area of a point is its share of the requests; on the diagonal foretold and came are the same. */
export function reliabilityPlot(before: readonly Decided[], after: readonly Decided[]): string {
  const series: readonly Series[] = [
    { name: 'as it was foretold', color: '#b4451f', decided: before },
    { name: 'calibrated', color: '#1f6fb4', decided: after },
  ];
  const title = `Reliability of ${before.length} decisions`;
  return [
    `<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 ${WIDTH} ${HEIGHT}" role="img" font-family="sans-serif" font-size="12">`,
    `<title>${title}</title>`,
    `<rect width="${WIDTH}" height="${HEIGHT}" fill="#fff"/>`,
    text({ x: LEFT, y: 28 }, title, 'font-size="15"'),
    ...axes(),
    ...series.flatMap(points),
    ...series.map(legend),
    '</svg>',
    '',
  ].join('\n');
}

function axes(): string[] {
  const ticks = TICKS.flatMap((tick) => [
    `<path d="M${x(tick)} ${FOOT}v5M${LEFT} ${y(tick)}h-5" stroke="#444"/>`,
    text({ x: x(tick), y: FOOT + 18 }, tick.toFixed(1), 'text-anchor="middle"'),
    text({ x: LEFT - 9, y: y(tick) + 4 }, tick.toFixed(1), 'text-anchor="end"'),
  ]);
  const middle = TOP + SIDE / 2;
  return [
    `<rect x="${LEFT}" y="${TOP}" width="${SIDE}" height="${SIDE}" fill="none" stroke="#444"/>`,
    `<path d="M${x(0)} ${y(0)}L${x(1)} ${y(1)}" stroke="#999" stroke-dasharray="4 4"/>`,
    ...ticks,
    text({ x: LEFT + SIDE / 2, y: FOOT + 36 }, 'risk that was foretold', 'text-anchor="middle"'),
    text(
      { x: 16, y: middle },
      'share that was bad',
      `text-anchor="middle" transform="rotate(-90 16 ${middle})"`,
    ),
  ];
}

function points({ color, decided, name }: Series): string[] {
  const bins = reliability(decided).filter(({ count }) => count > 0);
  const line = bins.map(({ foretold, came }) => `${x(foretold)},${y(came)}`).join(' ');
  const dots = bins.map(({ foretold, came, count, from, to }) => {
    const radius = Math.max(SMALLEST, LARGEST * Math.sqrt(count / decided.length));
    const range = `${from.toFixed(1)} to ${to.toFixed(1)}`;
    const said = `${name}, ${range}: ${count} requests, foretold ${foretold.toFixed(3)}, came ${came.toFixed(3)}`;
    return `<circle cx="${x(foretold)}" cy="${y(came)}" r="${round(radius)}" fill="${color}" fill-opacity="0.6"><title>${said}</title></circle>`;
  });
  return [`<polyline points="${line}" fill="none" stroke="${color}"/>`, ...dots];
}

function legend({ name, color, decided }: Series, at: number): string {
  const top = FOOT + 60 + at * 20;
  const error = (calibrationError(decided) * 100).toFixed(1);
  const said = `${name}: expected calibration error ${error} %`;
  return `<circle cx="${LEFT + 6}" cy="${top - 4}" r="5" fill="${color}"/>${text({ x: LEFT + 18, y: top }, said)}`;
}

function text(at: { readonly x: number; readonly y: number }, said: string, attributes = ''): string {
  return `<text x="${at.x}" y="${at.y}" fill="#222" ${attributes}>${said}</text>`;
}

function x(share: number): number {
  return round(LEFT + share * SIDE);
}

function y(share: number): number {
  return round(FOOT - share * SIDE);
}

function round(value: number): number {
  return Math.round(value * 10) / 10;
}
