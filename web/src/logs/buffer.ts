// The newest lines of a log, at most `capacity`, each with a number that never changes: so the view can stand
// still while lines come in and old ones fall off.
import type { LogLine } from '../api/types';

export interface Numbered extends LogLine {
  n: number;
}

export class LogBuffer {
  private lines: Numbered[] = [];
  private next = 0;

  constructor(private readonly capacity: number) {}

  get length(): number {
    return this.lines.length;
  }
  /** Lines that ever came. */
  get total(): number {
    return this.next;
  }
  at(index: number): Numbered | undefined {
    return this.lines[index];
  }
  last(): Numbered | undefined {
    return this.lines.at(-1);
  }

  /** Returns how many old lines fell off. */
  push(fresh: readonly LogLine[]): number {
    for (const line of fresh) this.lines.push({ ...line, n: this.next++ });
    const over = Math.max(0, this.lines.length - this.capacity);
    if (over) this.lines.splice(0, over);
    return over;
  }

  clear(): void {
    this.lines = [];
    this.next = 0;
  }

  text(): string {
    return this.lines.map((line) => `${line.time} ${line.stream} ${line.line}`).join('\n');
  }
}

/**
 * Drops what a reconnection (`since` the last line's time) repeats: everything before `time`, and as many
 * lines of that very time as were already there.
 */
export class Resume {
  private left: number;
  constructor(
    private readonly time: string,
    seen_at_time: number,
  ) {
    this.left = seen_at_time;
  }
  is_new(line: LogLine): boolean {
    if (line.time > this.time) return true;
    if (line.time < this.time) return false;
    if (this.left > 0) {
      this.left -= 1;
      return false;
    }
    return true;
  }
}
