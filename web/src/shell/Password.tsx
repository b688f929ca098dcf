import { useState } from 'preact/hooks';
import { write } from '../api/client';
import { notify } from '../parts/toasts';
import { Sheet } from '../parts/Sheet';
import { dialog } from './dialogs';

interface Props {
  onDone: () => void;
}

const shortest = 10;

/** Sets the password of who is signed in. */
export function PasswordForm({ onDone }: Props) {
  const [password, set_password] = useState('');
  const [again, set_again] = useState('');
  const [problem, set_problem] = useState('');
  const save = async (event: Event) => {
    event.preventDefault();
    if (password.length < shortest) return set_problem(`At least ${shortest} characters, please.`);
    if (password !== again) return set_problem('The two are not the same.');
    try {
      await write('/me/password', { body: { password } });
      notify('Password set.', 'succeeded');
      onDone();
    } catch (error) {
      set_problem(error instanceof Error ? error.message : String(error));
    }
  };
  return (
    <form class="form" onSubmit={save}>
      {problem ? <p class="problem" role="alert">{problem}</p> : null}
      <label>
        New password
        <input type="password" autocomplete="new-password" value={password} onInput={(event) => set_password(event.currentTarget.value)} />
      </label>
      <label>
        Again
        <input type="password" autocomplete="new-password" value={again} onInput={(event) => set_again(event.currentTarget.value)} />
      </label>
      <button type="submit" class="button primary">
        Set password
      </button>
    </form>
  );
}

export function Password() {
  const close = () => (dialog.value = undefined);
  return (
    <Sheet title="Set a password" onClose={close}>
      <PasswordForm onDone={close} />
    </Sheet>
  );
}
