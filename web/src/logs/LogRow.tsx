import { parse_ansi } from '../text/ansi';
import { clock, parse_time, stamp } from '../text/time';
import type { Numbered } from './buffer';

interface Props {
  line: Numbered;
  index: number;
  top: number;
  times: 'local' | 'utc' | 'off';
  measure: ((element: HTMLElement | null) => void) | undefined;
}

/** One line: time, stream, text with its own colours. */
export function LogRow({ line, index, top, times, measure }: Props) {
  const at = parse_time(line.time);
  return (
    <div class={`log-line stream-${line.stream}`} data-index={index} data-n={line.n} ref={measure ?? null} style={{ transform: `translateY(${top}px)` }}>
      {times === 'off' || at === undefined ? null : (
        <span class="log-time" title={stamp(at)}>
          {clock(at, times === 'utc')}
        </span>
      )}
      <span class="log-stream" title={line.stream}>
        {line.stream === 'stderr' ? 'err' : line.stream === 'stdout' ? 'out' : line.stream}
      </span>
      <span class="log-text">
        {parse_ansi(line.line).map((span, n) => (
          <span
            key={n}
            class={span.classes}
            style={span.color || span.background ? { color: span.color, background: span.background } : undefined}
          >
            {span.text}
          </span>
        ))}
      </span>
    </div>
  );
}
