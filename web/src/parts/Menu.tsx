import type { ComponentChildren } from 'preact';
import { useRef, useState } from 'preact/hooks';
import { Icon } from './icons';

export interface MenuItem {
  label: string;
  icon?: string;
  hint?: string;
  danger?: boolean;
  disabled?: boolean;
  run: () => void;
}
/** A string is a heading; null a line. */
export type MenuEntry = MenuItem | string | null;

interface Props {
  id: string;
  label: string;
  button: ComponentChildren;
  entries: MenuEntry[];
  align?: 'start' | 'end';
  button_class?: string;
}

/** A menu button after the ARIA pattern, on the native popover. */
export function Menu({ id, label, button, entries, align = 'start', button_class = 'icon-button' }: Props) {
  const popover = useRef<HTMLDivElement>(null);
  const trigger = useRef<HTMLButtonElement>(null);
  const [open, set_open] = useState(false);
  const items = () => [...(popover.current?.querySelectorAll<HTMLElement>('[role=menuitem]:not([disabled])') ?? [])];

  const place = () => {
    const rect = trigger.current?.getBoundingClientRect();
    const style = popover.current?.style;
    if (!rect || !style) return;
    const below = rect.bottom + 260 < innerHeight;
    style.top = below ? `${rect.bottom + 4}px` : 'auto';
    style.bottom = below ? 'auto' : `${innerHeight - rect.top + 4}px`;
    style.left = align === 'start' ? `${Math.max(8, rect.left)}px` : 'auto';
    style.right = align === 'end' ? `${Math.max(8, innerWidth - rect.right)}px` : 'auto';
  };
  const toggled = (event: Event) => {
    const opened = (event as ToggleEvent).newState === 'open';
    set_open(opened);
    if (opened) items()[0]?.focus();
  };
  const keys = (event: KeyboardEvent) => {
    const all = items();
    const at = all.indexOf(document.activeElement as HTMLElement);
    const to: Record<string, number> = { ArrowDown: at + 1, ArrowUp: at - 1, Home: 0, End: all.length - 1 };
    const next = to[event.key];
    if (event.key === 'Tab') popover.current?.hidePopover();
    if (next === undefined) return;
    event.preventDefault();
    all[(next + all.length) % all.length]?.focus();
  };
  return (
    <>
      <button
        ref={trigger}
        type="button"
        id={`${id}-button`}
        class={button_class}
        aria-label={label}
        title={label}
        aria-haspopup="menu"
        aria-expanded={open}
        popovertarget={id}
        onClick={place}
      >
        {button}
      </button>
      <div ref={popover} id={id} popover="auto" class="menu" role="menu" aria-label={label} onToggle={toggled} onKeyDown={keys}>
        {entries.map((entry, index) =>
          entry === null ? (
            <hr key={index} role="separator" />
          ) : typeof entry === 'string' ? (
            <div key={index} class="menu-heading" role="presentation">
              {entry}
            </div>
          ) : (
            <button
              key={entry.label}
              type="button"
              role="menuitem"
              tabIndex={-1}
              class={entry.danger ? 'danger' : ''}
              disabled={entry.disabled}
              onClick={() => {
                popover.current?.hidePopover();
                entry.run();
              }}
            >
              {entry.icon ? <Icon name={entry.icon} /> : <span class="icon" />}
              <span>{entry.label}</span>
              {entry.hint ? <kbd>{entry.hint}</kbd> : null}
            </button>
          ),
        )}
      </div>
    </>
  );
}
