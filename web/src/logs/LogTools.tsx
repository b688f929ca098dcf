import { useEffect, useState } from 'preact/hooks';
import { Icon } from '../parts/icons';
import type { LogFollower } from './follow';

export interface LogLook {
  wrap: boolean;
  times: 'local' | 'utc' | 'off';
}

interface Props {
  log: LogFollower;
  grep: string;
  onGrep: (grep: string) => void;
  stream: string;
  onStream: (stream: string) => void;
  look: LogLook;
  onLook: (look: LogLook) => void;
  following: boolean;
  name: string;
}

const wait_ms = 250;
const streams = [
  { label: 'Both', value: '' },
  { label: 'out', value: 'stdout' },
  { label: 'err', value: 'stderr' },
];
const next_times = { local: 'utc', utc: 'off', off: 'local' } as const;
const times_words = { local: 'local time', utc: 'UTC', off: 'no time' };

export function LogTools({ log, grep, onGrep, stream, onStream, look, onLook, name }: Props) {
  const [text, set_text] = useState(grep);
  useEffect(() => {
    if (text === grep) return;
    const timer = setTimeout(() => onGrep(text), wait_ms);
    return () => clearTimeout(timer);
  }, [text]);
  const save = () => {
    const url = URL.createObjectURL(new Blob([log.buffer.text()], { type: 'text/plain' }));
    const link = document.createElement('a');
    link.href = url;
    link.download = `${name.replace(/\W+/g, '-').toLowerCase()}.log`;
    link.click();
    URL.revokeObjectURL(url);
  };
  return (
    <div class="log-tools">
      <h2>Log</h2>
      <label class="filter-box">
        <Icon name="search" size={14} />
        <span class="visually-hidden">Only lines that contain</span>
        <input type="search" data-filter value={text} placeholder="only lines that contain …" spellcheck={false} onInput={(event) => set_text(event.currentTarget.value)} />
        <kbd>/</kbd>
      </label>
      <div class="segments" role="group" aria-label="Streams">
        {streams.map(({ label, value }) => (
          <button key={label} type="button" aria-pressed={stream === value} onClick={() => onStream(value)}>
            {label}
          </button>
        ))}
      </div>
      <span class="spacer" />
      <button type="button" class="button quiet" title="Local time, UTC or none" onClick={() => onLook({ ...look, times: next_times[look.times] })}>
        <Icon name="time" size={14} /> {times_words[look.times]}
      </button>
      <button type="button" class="button quiet" aria-pressed={look.wrap} onClick={() => onLook({ ...look, wrap: !look.wrap })}>
        <Icon name="wrap" size={14} /> Wrap
      </button>
      <button type="button" class="button quiet" title="Save the lines that are here" onClick={save}>
        <Icon name="drain" size={14} /> Save
      </button>
    </div>
  );
}
