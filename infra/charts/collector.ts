import type { Chart } from 'cdk8s';
import type { RegionContext } from '../context.ts';
export function collectorChart(_chart: Chart, _context: RegionContext): void {}
