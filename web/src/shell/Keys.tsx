import { Sheet } from '../parts/Sheet';
import { dialog } from './dialogs';
import { shortcuts } from './keys';

export function Keys() {
  return (
    <Sheet title="Keyboard shortcuts" onClose={() => (dialog.value = undefined)}>
      <dl class="keys">
        {shortcuts.map(({ keys, what }) => (
          <div key={keys}>
            <dt>
              {keys.split(' ').map((key) => (
                <kbd key={key}>{key}</kbd>
              ))}
            </dt>
            <dd>{what}</dd>
          </div>
        ))}
      </dl>
    </Sheet>
  );
}
