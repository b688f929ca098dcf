import type { Time } from '../api/types';
import { age, duration, now, parse_time, stamp } from '../text/time';

/** How long ago, ticking. */
export function Ago({ at, suffix = '' }: { at: Time | null | undefined; suffix?: string }) {
  const time = parse_time(at);
  if (time === undefined) return <span class="muted">–</span>;
  const text = age(Math.max(0, now.value - time));
  return <time title={stamp(time)}>{text === 'now' ? text : text + suffix}</time>;
}

/** Between two times; the end may still be open. */
export function Took({ from, to }: { from: Time | null | undefined; to: Time | null | undefined }) {
  const start = parse_time(from);
  if (start === undefined) return <span class="muted">–</span>;
  const end = parse_time(to) ?? now.value;
  return <span title={stamp(start)}>{duration(end - start)}</span>;
}
