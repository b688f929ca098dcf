// The shortcuts of the shell. One table, shown by `?`; nothing fires while one types.
import { dialog, nav_folded } from './dialogs';
import { places } from './places';

export interface Shortcut {
  keys: string;
  what: string;
}

export const shortcuts: readonly Shortcut[] = [
  ...places.map((place) => ({ keys: `g ${place.key}`, what: `Go to ${place.title}` })),
  { keys: '/', what: 'Filter this page' },
  { keys: 'Ctrl K', what: 'Search, commands' },
  { keys: 'Ctrl B', what: 'Fold the navigation' },
  { keys: 'F10', what: 'Fleet menu' },
  { keys: 'j k ↓ ↑', what: 'Next, previous row' },
  { keys: 'x', what: 'Tick the row (Shift: up to here)' },
  { keys: 'Space', what: 'Open the row below itself' },
  { keys: 'Enter', what: 'Go to what the row names' },
  { keys: 'Esc', what: 'Close, clear the ticks' },
  { keys: '?', what: 'This list' },
];

const typing = (target: EventTarget | null) =>
  target instanceof HTMLElement && (target.isContentEditable || target.matches('input:not([type=checkbox]),textarea,select'));

const chord_ms = 1_200;

/** Listens until the returned function is called. */
export function listen_keys(go: (path: string) => void): () => void {
  let chord_at = 0;
  const pressed = (event: KeyboardEvent) => {
    const command = event.ctrlKey || event.metaKey;
    if (command && !event.shiftKey && !event.altKey && event.key.toLowerCase() === 'k') open(event, 'palette');
    else if (command && event.key.toLowerCase() === 'b' && !typing(event.target)) fold(event);
    else if (event.key === 'F10') click(event, 'fleet-menu-button');
    else if (command || event.altKey || typing(event.target) || document.querySelector('dialog[open]')) return;
    else if (Date.now() - chord_at < chord_ms) {
      chord_at = 0;
      const place = places.find((each) => each.key === event.key);
      if (!place) return;
      event.preventDefault();
      go(place.path);
    } else if (event.key === 'g') chord_at = Date.now();
    else if (event.key === '?') open(event, 'keys');
    else if (event.key === '/') filter(event);
  };
  addEventListener('keydown', pressed);
  return () => removeEventListener('keydown', pressed);
}

function open(event: KeyboardEvent, name: 'palette' | 'keys'): void {
  event.preventDefault();
  dialog.value = name;
}

function fold(event: KeyboardEvent): void {
  event.preventDefault();
  nav_folded.value = !nav_folded.value;
}

function click(event: KeyboardEvent, id: string): void {
  event.preventDefault();
  document.getElementById(id)?.click();
}

function filter(event: KeyboardEvent): void {
  const box = document.querySelector<HTMLInputElement>('[data-filter]');
  if (!box) return;
  event.preventDefault();
  box.focus();
  box.select();
}
