import { useEffect, useState } from 'preact/hooks';
import { Problem, signedOut, write } from '../api/client';
import { live } from '../live/live';
import { entering, find_me, me } from '../state/me';
import { HubIcon, Logo } from '../parts/icons';
import { PasswordForm } from '../shell/Password';
import { Command } from '../parts/Command';

/** Takes the secret out of `#login=SECRET` and out of the address bar, before anything else can see it. */
function take_secret(): string {
  const secret = /^#login=(.+)$/.exec(location.hash)?.[1] ?? '';
  if (secret) history.replaceState(null, '', location.pathname + location.search);
  return decodeURIComponent(secret);
}

type Step = 'link' | 'form' | 'password';

/** By one-time link (then a password may be set), by user and password, or by token. */
export function Login() {
  const [secret] = useState(take_secret);
  const [step, set_step] = useState<Step>(secret ? 'link' : 'form');
  const [problem, set_problem] = useState('');
  useEffect(() => {
    document.title = 'Sign in · Drover';
    live.stop();
    if (!secret) return;
    enter({ link: secret }).then(
      () => set_step('password'),
      (error) => {
        set_problem(`${error.message} ${error instanceof Problem ? error.hint : ''}`);
        set_step('form');
      },
    );
  }, [secret]);
  const done = () => {
    if (location.pathname === '/login') history.replaceState(null, '', '/');
    signedOut.value = false;
    entering.value = false;
  };
  return (
    <main class="login" id="main">
      <div class="login-box">
        <header>
          <Logo size={36} />
          <h1>drover</h1>
          <span class="muted">
            <HubIcon size={14} /> {location.host}
          </span>
        </header>
        {problem ? <p class="problem" role="alert">{problem}</p> : null}
        {step === 'link' ? <p class="muted">Signing in by the link …</p> : null}
        {step === 'form' ? <Form onDone={done} onProblem={set_problem} /> : null}
        {step === 'password' ? (
          <>
            <p class="lead">Signed in{me.value ? ` as ${me.value.user}` : ''}. The link is used up: set a password for next time.</p>
            <PasswordForm onDone={done} />
            <button type="button" class="link" onClick={done}>
              Later
            </button>
          </>
        ) : null}
      </div>
    </main>
  );
}

async function enter(body: object): Promise<void> {
  entering.value = true;
  await write('/login', { body });
  await find_me();
}

function Form({ onDone, onProblem }: { onDone: () => void; onProblem: (text: string) => void }) {
  const [how, set_how] = useState<'password' | 'token'>('password');
  const [user, set_user] = useState('admin');
  const [secret, set_secret] = useState('');
  const submit = async (event: Event) => {
    event.preventDefault();
    onProblem('');
    try {
      await enter(how === 'token' ? { token: secret.trim() } : { user, password: secret });
      onDone();
    } catch (error) {
      onProblem(error instanceof Problem && error.status === 401 ? 'That is not right.' : error instanceof Error ? error.message : String(error));
    }
  };
  return (
    <form class="form" onSubmit={submit}>
      <div class="segments" role="group" aria-label="Sign in with">
        <button type="button" aria-pressed={how === 'password'} onClick={() => set_how('password')}>
          Password
        </button>
        <button type="button" aria-pressed={how === 'token'} onClick={() => set_how('token')}>
          Token
        </button>
      </div>
      {how === 'password' ? (
        <label>
          User
          <input autocomplete="username" value={user} onInput={(event) => set_user(event.currentTarget.value)} />
        </label>
      ) : null}
      <label>
        {how === 'password' ? 'Password' : 'Token'}
        <input
          type="password"
          autocomplete={how === 'password' ? 'current-password' : 'off'}
          value={secret}
          onInput={(event) => set_secret(event.currentTarget.value)}
        />
      </label>
      <button type="submit" class="button primary">
        Sign in
      </button>
      <details>
        <summary>No password yet?</summary>
        <p>The hub printed a link that signs in once when it first started. Or, on the hub's own machine:</p>
        <Command text="drover user passwd admin" />
      </details>
    </form>
  );
}
