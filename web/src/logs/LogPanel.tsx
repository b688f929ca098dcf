import { useSignal } from '@preact/signals';
import { useEffect, useLayoutEffect, useMemo, useRef, useState } from 'preact/hooks';
import { Icon } from '../parts/icons';
import { use_virtual } from '../parts/use-virtual';
import { count, plural } from '../text/format';
import { is_live } from '../live/live';
import { LogFollower } from './follow';
import { LogRow } from './LogRow';
import { LogTools, type LogLook } from './LogTools';

const at_end_px = 24;
const line_px = 19;
const most_measured = 30_000;

/** A live log. Follows only while it is at the end; scrolled up it stands still and counts what came. */
export function LogPanel({ path, label }: { path: string; label: string }) {
  const [grep, set_grep] = useState('');
  const [stream, set_stream] = useState('');
  const [look, set_look] = useState<LogLook>({ wrap: false, times: 'local' });
  const scroller = useRef<HTMLDivElement>(null);
  const following = useSignal(true);
  const seen = useSignal(0);
  const log = useMemo(() => new LogFollower(path, { grep, stream }), [path, grep, stream]);
  useEffect(() => {
    following.value = true;
    log.run().catch(() => {});
    return () => log.stop();
  }, [log]);

  const { buffer } = log;
  const version = log.version.value;
  const virtual = use_virtual(scroller, {
    count: buffer.length,
    key: (index) => String(buffer.at(index)?.n ?? index),
    estimate: () => line_px,
    overscan: 20,
  });
  useLayoutEffect(() => {
    // Heights of lines that are long gone would be kept for ever.
    if (virtual.itemSizeCache.size > most_measured) virtual.measure();
    const element = scroller.current;
    if (!element) return;
    if (following.value) {
      seen.value = buffer.total;
      if (buffer.length) virtual.scrollToIndex(buffer.length - 1, { align: 'end' });
    } else if (log.dropped.value) {
      element.scrollTop -= log.dropped.value * line_px;
    }
  }, [version, look, virtual]);
  useLayoutEffect(() => virtual.measure(), [look.wrap, virtual]);

  const to_end = () => {
    following.value = true;
    seen.value = buffer.total;
    if (buffer.length) virtual.scrollToIndex(buffer.length - 1, { align: 'end' });
  };
  const scrolled = (element: HTMLElement) => {
    const left = element.scrollHeight - element.scrollTop - element.clientHeight;
    following.value = left <= at_end_px;
    if (following.value) seen.value = buffer.total;
  };
  const fresh = following.value ? 0 : buffer.total - seen.value;
  return (
    <section class={`log ${is_live.value ? '' : 'old'}`} aria-label={label}>
      <LogTools
        log={log}
        grep={grep}
        onGrep={set_grep}
        stream={stream}
        onStream={set_stream}
        look={look}
        onLook={set_look}
        following={following.value}
        name={label}
      />
      <div
        ref={scroller}
        class={`log-lines ${look.wrap ? 'wrap' : ''}`}
        role="log"
        aria-live="off"
        aria-label={label}
        tabIndex={0}
        onScroll={(event) => scrolled(event.currentTarget)}
        onWheel={(event) => {
          if (event.deltaY < 0) following.value = false;
        }}
        onKeyDown={(event) => {
          if (event.key === 'End') to_end();
          if (['PageUp', 'ArrowUp', 'Home'].includes(event.key)) following.value = false;
        }}
      >
        <div class="log-body" style={{ height: `${virtual.getTotalSize()}px` }}>
          {virtual.getVirtualItems().map((item) => {
            const line = buffer.at(item.index);
            return line ? <LogRow key={String(item.key)} line={line} index={item.index} top={item.start} measure={look.wrap ? virtual.measureElement : undefined} times={look.times} /> : null;
          })}
        </div>
        {buffer.length ? null : (
          <p class="muted log-none">{log.problem.value || (log.state.value === 'loading' ? 'Asking for the log …' : grep ? 'No line matches.' : 'No lines yet.')}</p>
        )}
      </div>
      {following.value ? null : (
        <button type="button" class="log-new" onClick={to_end}>
          {fresh > 0 ? plural(fresh, 'new line') : 'To the end'} <Icon name="down" size={14} />
        </button>
      )}
      <div class="log-foot muted">
        <span>{count(buffer.length)} lines{buffer.total > buffer.length ? ` of ${count(buffer.total)}` : ''}</span>
        <span class={log.state.value === 'waiting' ? 'tone-warn' : ''}>
          {log.state.value === 'waiting' ? `not connected${log.problem.value ? `: ${log.problem.value}` : ', trying again'}` : following.value ? 'following' : 'standing still'}
        </span>
      </div>
    </section>
  );
}
