import { Icon } from './icons';
import { notify } from './toasts';

/** A command to be run in a terminal, with a button that copies it. */
export function Command({ text }: { text: string }) {
  const copy = async () => {
    try {
      await navigator.clipboard.writeText(text);
      notify('Copied.', 'succeeded');
    } catch {
      notify('This browser does not let pages copy here: mark the text and copy it.', 'warn');
    }
  };
  return (
    <span class="command">
      <code tabIndex={0}>{text}</code>
      <button type="button" class="icon-button" aria-label={`Copy: ${text}`} title="Copy" onClick={copy}>
        <Icon name="copy" size={14} />
      </button>
    </span>
  );
}
