// Times and durations for people. Pure, but for `now`, which ticks once a second while the tab is seen.
import { signal } from '@preact/signals';

export const now = signal(Date.now());

export function start_clock(): () => void {
  const tick = () => {
    if (document.visibilityState === 'visible') now.value = Date.now();
  };
  const timer = setInterval(tick, 1000);
  document.addEventListener('visibilitychange', tick);
  return () => {
    clearInterval(timer);
    document.removeEventListener('visibilitychange', tick);
  };
}

export function parse_time(time: string | null | undefined): number | undefined {
  if (!time) return undefined;
  const at = Date.parse(time);
  return Number.isNaN(at) ? undefined : at;
}

/** "850 ms", "42 s", "3 m 05 s", "2 h 10 m", "5 d 3 h". */
export function duration(ms: number): string {
  if (ms < 0) ms = 0;
  if (ms < 1000) return `${Math.round(ms)} ms`;
  const s = Math.floor(ms / 1000);
  if (s < 60) return `${s} s`;
  const m = Math.floor(s / 60);
  if (m < 60) return `${m} m ${String(s % 60).padStart(2, '0')} s`;
  const h = Math.floor(m / 60);
  if (h < 24) return `${h} h ${String(m % 60).padStart(2, '0')} m`;
  return `${Math.floor(h / 24)} d ${h % 24} h`;
}

/** Of the hub's durations: "6ms165us" is "6 ms". */
export const largest_part = (text: string) =>
  text.replace(/^(\d+)([a-z]+).*$/, '$1 $2').replace(/us$/, 'µs');

/** One unit only, for columns: "now", "42 s", "3 m", "2 h", "5 d". */
export function age(ms: number): string {
  const s = Math.floor(ms / 1000);
  if (s < 1) return 'now';
  if (s < 60) return `${s} s`;
  if (s < 3600) return `${Math.floor(s / 60)} m`;
  if (s < 86_400) return `${Math.floor(s / 3600)} h`;
  return `${Math.floor(s / 86_400)} d`;
}

const pad = (n: number, width = 2) => String(n).padStart(width, '0');

/** "14:03:22.123" in local time or UTC. */
export function clock(at: number, utc = false): string {
  const d = new Date(at);
  const [h, m, s, ms] = utc
    ? [d.getUTCHours(), d.getUTCMinutes(), d.getUTCSeconds(), d.getUTCMilliseconds()]
    : [d.getHours(), d.getMinutes(), d.getSeconds(), d.getMilliseconds()];
  return `${pad(h)}:${pad(m)}:${pad(s)}.${pad(ms, 3)}`;
}

/** "2026-11-21 14:03:22" in local time. */
export function stamp(at: number): string {
  const d = new Date(at);
  return `${d.getFullYear()}-${pad(d.getMonth() + 1)}-${pad(d.getDate())} ${clock(at).slice(0, 8)}`;
}
