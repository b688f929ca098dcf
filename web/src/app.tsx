import { LocationProvider, Route, Router, useLocation } from 'preact-iso';
import { useEffect } from 'preact/hooks';
import { signedOut } from './api/client';
import { is_live, live, start_live } from './live/live';
import { entering, find_me, me } from './state/me';
import { OperationSheet } from './operate/OperationSheet';
import { ConfirmSheet } from './parts/Confirm';
import { Toasts } from './parts/toasts';
import { About } from './shell/About';
import { dialog, nav_folded } from './shell/dialogs';
import { Header } from './shell/Header';
import { Join } from './shell/Join';
import { Keys } from './shell/Keys';
import { listen_keys } from './shell/keys';
import { Nav } from './shell/Nav';
import { Palette } from './shell/Palette';
import { Password } from './shell/Password';
import { StatusBar } from './shell/StatusBar';
import { Events } from './pages/Events';
import { Instance } from './pages/Instance';
import { Login } from './pages/Login';
import { NotFound } from './pages/NotFound';
import { Nodes } from './pages/Nodes';
import { Overview } from './pages/Overview';
import { Services } from './pages/Services';
import { Stacks } from './pages/Stacks';
import { Tasks } from './pages/Tasks';

export function App() {
  if (signedOut.value || entering.value) return <Login />;
  return (
    <LocationProvider>
      <Shell />
      <Toasts />
    </LocationProvider>
  );
}

let started = false;

function begin(): void {
  live.onlost = () => {
    // A closed stream may mean that the session has ended.
    find_me().catch(() => {});
  };
  if (started) live.retry();
  else start_live();
  started = true;
  if (!me.value) find_me().catch(() => {});
}

function Shell() {
  const { route } = useLocation();
  useEffect(begin, []);
  useEffect(() => listen_keys((path) => route(path)), [route]);
  return (
    <div class={`shell ${nav_folded.value ? 'folded' : ''} ${is_live.value ? '' : 'stale'}`}>
      <a class="skip" href="#main">Skip to the content</a>
      <Header />
      <Nav />
      <main id="main" tabIndex={-1}>
        <UpdateBanner />
        <Router>
          <Route path="/" component={Overview} />
          <Route path="/nodes" component={Nodes} />
          <Route path="/services" component={Services} />
          <Route path="/instances/:id" component={Instance} />
          <Route path="/stacks" component={Stacks} />
          <Route path="/tasks" component={Tasks} />
          <Route path="/events" component={Events} />
          <Route default component={NotFound} />
        </Router>
      </main>
      <StatusBar />
      <OperationSheet />
      <ConfirmSheet />
      <Dialogs />
    </div>
  );
}

function Dialogs() {
  switch (dialog.value) {
    case 'palette':
      return <Palette />;
    case 'keys':
      return <Keys />;
    case 'join':
      return <Join />;
    case 'about':
      return <About />;
    case 'password':
      return <Password />;
    default:
      return null;
  }
}

function UpdateBanner() {
  const version = live.updated.value;
  if (!version) return null;
  return (
    <div class="banner" role="status">
      The hub was updated to {version}.
      <button type="button" class="link" onClick={() => location.reload()}>
        Reload
      </button>
    </div>
  );
}
