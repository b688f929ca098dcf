// Short notes at the bottom right. Never the only record: what went wrong also stays where it was asked for.
import { signal } from '@preact/signals';
import { Problem } from '../api/client';
import { StateIcon } from './StateLabel';
import { look_of } from '../text/states';
import { Icon } from './icons';

interface Note {
  id: number;
  text: string;
  hint: string;
  level: 'info' | 'warn' | 'error' | 'succeeded';
}

const notes = signal<readonly Note[]>([]);
let next = 1;
const shown_ms = 8_000;

export function notify(text: string, level: Note['level'] = 'info', hint = ''): void {
  const note = { id: next++, text, hint, level };
  notes.value = [...notes.value.slice(-3), note];
  if (level !== 'error') setTimeout(() => dismiss(note.id), shown_ms);
}

/** What a failed request says, for people. */
export function notify_problem(error: unknown, doing: string): void {
  const hint = error instanceof Problem ? error.hint : '';
  notify(`${doing}: ${error instanceof Error ? error.message : String(error)}`, 'error', hint);
}

function dismiss(id: number): void {
  notes.value = notes.value.filter((note) => note.id !== id);
}

export function Toasts() {
  return (
    <div class="toasts" aria-live="polite" role="status">
      {notes.value.map((note) => (
        <div key={note.id} class={`toast toast-${note.level}`}>
          <StateIcon look={look_of(note.level)} />
          <div class="toast-text">
            <div>{note.text}</div>
            {note.hint ? <div class="muted">{note.hint}</div> : null}
          </div>
          <button type="button" class="icon-button" aria-label="Dismiss" onClick={() => dismiss(note.id)}>
            <Icon name="close" size={14} />
          </button>
        </div>
      ))}
    </div>
  );
}
