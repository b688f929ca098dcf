import { useLocation } from 'preact-iso';
import { useEffect, useLayoutEffect, useRef, useState } from 'preact/hooks';
import { Icon } from '../parts/icons';
import { StateIcon } from '../parts/StateLabel';
import { look_of } from '../text/states';
import { commands, find, type Hit } from './commands';
import { dialog } from './dialogs';

const wait_ms = 100;

/** One box for places, things and commands. */
export function Palette() {
  const { route } = useLocation();
  const [text, set_text] = useState('');
  const [found, set_found] = useState<Hit[]>([]);
  const [at, set_at] = useState(0);
  const box = useRef<HTMLDialogElement>(null);
  const close = () => (dialog.value = undefined);
  useLayoutEffect(() => {
    box.current?.showModal();
    return () => box.current?.close();
  }, []);
  useEffect(() => {
    set_at(0);
    const aborter = new AbortController();
    const timer = setTimeout(() => find(text, aborter.signal).then(set_found, () => {}), wait_ms);
    return () => {
      clearTimeout(timer);
      aborter.abort();
    };
  }, [text]);

  const hits = [...commands(text), ...(text.trim() ? found : [])].slice(0, 40);
  const current = Math.min(at, hits.length - 1);
  const pick = (hit: Hit | undefined) => {
    if (!hit) return;
    close();
    if (hit.path) route(hit.path);
    hit.run?.();
  };
  const keys = (event: KeyboardEvent) => {
    const step = event.key === 'ArrowDown' ? 1 : event.key === 'ArrowUp' ? -1 : 0;
    if (step && hits.length) set_at((current + step + hits.length) % hits.length);
    else if (event.key === 'Enter') pick(hits[current]);
    else return;
    event.preventDefault();
  };
  return (
    <dialog
      ref={box}
      class="palette"
      aria-label="Search or type a command"
      onCancel={(event) => {
        event.preventDefault();
        close();
      }}
      onClick={(event) => {
        if (event.target === box.current) close();
      }}
    >
      <div class="palette-box">
        <label class="palette-input">
          <Icon name="search" />
          <input
            role="combobox"
            aria-expanded="true"
            aria-controls="palette-hits"
            aria-activedescendant={hits.length ? `hit-${current}` : undefined}
            aria-label="Search or type a command"
            autocomplete="off"
            spellcheck={false}
            placeholder="Page, service, instance, node, stack, command"
            value={text}
            onInput={(event) => set_text(event.currentTarget.value)}
            onKeyDown={keys}
          />
        </label>
        <div id="palette-hits" class="palette-hits" role="listbox" aria-label="Results">
          {hits.map((hit, index) => (
            <div
              key={`${hit.kind}${hit.title}`}
              id={`hit-${index}`}
              role="option"
              aria-selected={index === current}
              ref={(element) => {
                if (element && index === current) element.scrollIntoView?.({ block: 'nearest' });
              }}
              onPointerMove={() => set_at(index)}
              onClick={() => pick(hit)}
            >
              {hit.state ? <StateIcon look={look_of(hit.state)} /> : <Icon name={hit.icon} />}
              <span class="grow">{hit.title}</span>
              <span class="muted">{hit.hint ?? hit.kind}</span>
            </div>
          ))}
        </div>
        {hits.length ? null : <p class="muted palette-none">Nothing of that name.</p>}
      </div>
    </dialog>
  );
}
