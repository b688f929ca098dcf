import { useEffect, useRef, useState } from 'preact/hooks';
import { term_of, with_term } from '../state/url';
import { Icon } from './icons';

export interface Preset {
  label: string;
  value: string | undefined; // of `key:`; undefined: all
}

interface Props {
  filter: string;
  onChange: (filter: string) => void;
  placeholder: string;
  preset_key?: string;
  presets?: Preset[];
  problem?: string;
}

const wait_ms = 120;

/** The page's filter: words and key:value terms, matched by the hub. `/` comes here. */
export function FilterBar({ filter, onChange, placeholder, preset_key = 'state', presets = [], problem }: Props) {
  const [text, set_text] = useState(filter);
  const sent = useRef(filter);
  useEffect(() => {
    if (filter === sent.current) return;
    sent.current = filter;
    set_text(filter);
  }, [filter]);
  useEffect(() => {
    if (text === sent.current) return;
    const timer = setTimeout(() => {
      sent.current = text;
      onChange(text);
    }, wait_ms);
    return () => clearTimeout(timer);
  }, [text]);
  const current = term_of(text, preset_key);
  return (
    <div class="filter-bar">
      {presets.length ? (
        <div class="segments" role="group" aria-label={`Show by ${preset_key}`}>
          {presets.map((preset) => (
            <button
              key={preset.label}
              type="button"
              aria-pressed={current === preset.value}
              onClick={() => set_text(with_term(text, preset_key, preset.value))}
            >
              {preset.label}
            </button>
          ))}
        </div>
      ) : null}
      <label class="filter-box">
        <Icon name="search" size={14} />
        <span class="visually-hidden">Filter</span>
        <input
          type="search"
          data-filter
          value={text}
          placeholder={placeholder}
          autocomplete="off"
          spellcheck={false}
          aria-invalid={problem ? 'true' : undefined}
          onInput={(event) => set_text(event.currentTarget.value)}
          onKeyDown={(event) => {
            if (event.key === 'Escape') event.currentTarget.blur();
          }}
        />
        <kbd>/</kbd>
      </label>
      {problem ? <span class="filter-problem tone-error">{problem}</span> : null}
    </div>
  );
}
