// Processor time of a process, from the operating system.
import { readFileSync } from 'node:fs';

/** Linux counts in hundredths of a second for user space, whatever the kernel's own tick. */
const TICK_US = 10_000;

/** User and system time of all threads of a process so far, in microseconds (proc(5), `stat`, fields 14 and 15). */
export const cpuMicroseconds = (pid: number): number => {
  const stat = readFileSync(`/proc/${pid}/stat`, 'utf8');
  const fields = stat.slice(stat.lastIndexOf(')') + 2).split(' ');
  return (Number(fields[11]) + Number(fields[12])) * TICK_US;
};
