// The report as it is: the format that `--baseline` reads.
import type { Report } from '../types.ts';

export const toJson = (report: Report): string => `${JSON.stringify(report, null, 2)}\n`;
