// Follows one log of the hub: tail first, then live; a broken connection is made again from the last line on.
import { signal } from '@preact/signals';
import { json_lines, Problem, query, send } from '../api/client';
import type { LogLine } from '../api/types';
import { LogBuffer, Resume } from './buffer';

export interface LogQuery {
  grep: string;
  stream: string;
}

const capacity = 10_000;
const tail = 1_000;
const flush_ms = 80;
const retry_ms = 1_500;

export class LogFollower {
  readonly buffer = new LogBuffer(capacity);
  /** Grows with every batch. */
  readonly version = signal(0);
  /** Lines that fell off at the front with the last batch. */
  readonly dropped = signal(0);
  readonly state = signal<'loading' | 'live' | 'waiting'>('loading');
  readonly problem = signal('');
  private aborter = new AbortController();
  private fresh: LogLine[] = [];
  private timer: ReturnType<typeof setTimeout> | undefined;
  private at_last_time = 0;

  constructor(
    private readonly path: string,
    private readonly what: LogQuery,
  ) {}

  async run(): Promise<void> {
    const { signal: ended } = this.aborter;
    while (!ended.aborted) {
      try {
        await this.read_once();
        this.problem.value = '';
      } catch (error) {
        if (ended.aborted) return;
        this.problem.value = error instanceof Error ? error.message : String(error);
        if (error instanceof Problem && (error.status === 404 || error.status === 400)) {
          this.state.value = 'waiting';
          return;
        }
      }
      this.flush();
      this.state.value = 'waiting';
      await new Promise((resolve) => setTimeout(resolve, retry_ms));
    }
  }

  stop(): void {
    this.aborter.abort();
    clearTimeout(this.timer);
  }

  private async read_once(): Promise<void> {
    const last = this.buffer.last();
    const resume = last ? new Resume(last.time, this.at_last_time) : undefined;
    const from = last ? { since: last.time } : { tail };
    const response = await send(this.path + query({ ...from, ...this.what, follow: 'true' }), { signal: this.aborter.signal });
    this.state.value = 'live';
    this.problem.value = '';
    if (!response.body) return;
    for await (const line of json_lines<LogLine>(response.body)) {
      if (typeof line.line !== 'string' || (resume && !resume.is_new(line))) continue;
      this.fresh.push(line);
      this.timer ??= setTimeout(() => this.flush(), flush_ms);
    }
  }

  private flush(): void {
    clearTimeout(this.timer);
    this.timer = undefined;
    if (!this.fresh.length) return;
    for (const line of this.fresh) {
      this.at_last_time = line.time === this.last_time ? this.at_last_time + 1 : 1;
      this.last_time = line.time;
    }
    this.dropped.value = this.buffer.push(this.fresh);
    this.fresh = [];
    this.version.value += 1;
  }
  private last_time = '';
}
