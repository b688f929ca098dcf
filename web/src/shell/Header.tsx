import { signedOut, write } from '../api/client';
import { live, summary } from '../live/live';
import { ask } from '../operate/request';
import { HubIcon, Icon, Logo } from '../parts/icons';
import { Menu, type MenuEntry } from '../parts/Menu';
import { notify_problem } from '../parts/toasts';
import { plural } from '../text/format';
import { me } from '../state/me';
import { dialog, nav_folded } from './dialogs';
import { apply_theme, theme, type Theme } from './theme';

export function Header() {
  const s = summary.value;
  const failing = s?.services_failing ?? 0;
  const away = s ? s.nodes - s.nodes_online : 0;
  const alerts = failing + away;
  return (
    <header class="header">
      <FleetMenu />
      <a class="brand" href="/" title="To the overview">
        <Logo />
        <span class="brand-name">drover</span>
        <span class="brand-env">{location.hostname}</span>
      </a>
      <button type="button" class="search" onClick={() => (dialog.value = 'palette')}>
        <Icon name="search" size={14} />
        <span class="search-text">Search or type a command</span>
        <kbd>Ctrl K</kbd>
      </button>
      <span class="spacer" />
      {s?.tasks_open ? (
        <a class="badge tone-busy" href="/tasks" title={plural(s.tasks_open, 'open task')}>
          <Icon name="restart" size={14} /> {s.tasks_open}
        </a>
      ) : null}
      {alerts ? (
        <a class="badge tone-error" href={failing ? '/services?filter=state:failed|unhealthy|backoff|stuck|lost' : '/nodes'} title={`${plural(failing, 'failing service')}, ${plural(away, 'agent')} away`}>
          <Icon name="warn" size={14} /> {alerts}
        </a>
      ) : null}
      <ThemeMenu />
      <UserMenu />
      <span class="hub-version" title="Version of the hub">
        <HubIcon />
        <span>{s?.hub_version || live.hello.value?.hub_version || '–'}</span>
      </span>
    </header>
  );
}

function FleetMenu() {
  const n = summary.value?.services ?? 0;
  const entries: MenuEntry[] = [
    `Scope: all ${plural(n, 'service')}`,
    { label: 'Start all …', icon: 'play', run: () => ask('start', 'all services', 'all') },
    { label: 'Stop all …', icon: 'stop', danger: true, run: () => ask('stop', 'all services', 'all') },
    { label: 'Restart all …', icon: 'restart', run: () => ask('restart', 'all services', 'all') },
    null,
    { label: 'Join a node …', icon: 'plus', run: () => (dialog.value = 'join') },
    { label: 'Fold the navigation', icon: 'menu', hint: 'Ctrl B', run: () => (nav_folded.value = !nav_folded.value) },
    { label: 'Keyboard shortcuts', icon: 'keyboard', hint: '?', run: () => (dialog.value = 'keys') },
    { label: 'About', icon: 'info', run: () => (dialog.value = 'about') },
  ];
  return <Menu id="fleet-menu" label="Fleet menu" button={<Icon name="menu" size={18} />} entries={entries} />;
}

const theme_icons: Record<Theme, string> = { auto: 'auto', light: 'sun', dark: 'moon' };

function ThemeMenu() {
  const entry = (value: Theme, label: string): MenuEntry => ({
    label,
    icon: theme_icons[value],
    hint: theme.value === value ? '✓' : '',
    run: () => apply_theme(value),
  });
  const entries = [entry('auto', 'As the system'), entry('light', 'Light'), entry('dark', 'Dark')];
  return <Menu id="theme-menu" label="Theme" align="end" button={<Icon name={theme_icons[theme.value]} size={17} />} entries={entries} />;
}

function UserMenu() {
  const who = me.value;
  const leave = async () => {
    try {
      await write('/logout');
    } catch (error) {
      notify_problem(error, 'Signing out');
      return;
    }
    live.stop();
    signedOut.value = true;
  };
  const entries: MenuEntry[] = [
    who ? `${who.user} · ${who.role}` : 'Signed in',
    { label: 'Set a password …', icon: 'key', run: () => (dialog.value = 'password') },
    { label: 'Sign out', icon: 'out', run: leave },
  ];
  return <Menu id="user-menu" label="User menu" align="end" button={<Icon name="user" size={17} />} entries={entries} />;
}
