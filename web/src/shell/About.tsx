import { live, summary } from '../live/live';
import { HubIcon, Logo } from '../parts/icons';
import { Sheet } from '../parts/Sheet';
import { dialog } from './dialogs';

export function About() {
  const hello = live.hello.value;
  return (
    <Sheet title="About" onClose={() => (dialog.value = undefined)}>
      <div class="about">
        <Logo size={44} />
        <div>
          <p class="lead">Drover runs and watches your services.</p>
          <p>
            <HubIcon /> Hub {summary.value?.hub_version ?? hello?.hub_version ?? '–'}
          </p>
          <p class="muted">
            Store <span class="mono">{hello?.store_id ?? '–'}</span>
          </p>
          <p class="muted">Apache License 2.0. Everything on this page comes from the hub itself; nothing is fetched from elsewhere.</p>
          <p>
            <a href="/api/v1/openapi.json" target="_blank" rel="noreferrer">
              API description (OpenAPI)
            </a>
            {' · '}
            <a href="/licenses.txt" target="_blank" rel="noreferrer">
              Licences of what is bundled
            </a>
          </p>
        </div>
      </div>
    </Sheet>
  );
}
