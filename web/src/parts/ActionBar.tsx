import type { ComponentChildren } from 'preact';
import { useEffect } from 'preact/hooks';
import { count, plural } from '../text/format';
import type { Selection } from './selection';

interface Props {
  selection: Selection;
  matching: number;
  shown: number;
  noun: string;
  children: ComponentChildren;
}

/** What can be done with the ticked rows. Esc unticks. */
export function ActionBar({ selection, matching, shown, noun, children }: Props) {
  const n = selection.ids.value.size;
  useEffect(() => {
    const clear = (event: KeyboardEvent) => {
      if (event.key === 'Escape' && !document.querySelector('dialog[open],[popover]:popover-open')) selection.clear();
    };
    addEventListener('keydown', clear);
    return () => removeEventListener('keydown', clear);
  }, [selection]);
  if (!n) return null;
  const all = selection.all_matching.value;
  return (
    <div class="action-bar" role="toolbar" aria-label="With the ticked ones">
      <b>{all ? `All ${plural(matching, noun)} that match` : `${plural(n, noun)} ticked`}</b>
      {!all && n === shown && matching > shown ? (
        <button type="button" class="link" onClick={() => (selection.all_matching.value = true)}>
          Take all {count(matching)} that match
        </button>
      ) : null}
      <span class="spacer" />
      {children}
      <button type="button" class="button quiet" onClick={() => selection.clear()}>
        Untick
      </button>
    </div>
  );
}
