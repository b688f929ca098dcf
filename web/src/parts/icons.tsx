// The icons: 24-unit outlines drawn here, so that nothing is fetched and nothing needs a licence.
import type { ComponentChildren } from 'preact';

const shapes: Record<string, ComponentChildren> = {
  menu: <path d="M4 6h16M4 12h16M4 18h16" />,
  overview: <path d="M4 13h6V4H4zM14 9h6V4h-6zM14 20h6v-8h-6zM4 20h6v-4H4z" />,
  services: <path d="M12 3 3 8l9 5 9-5zM3 12l9 5 9-5M3 16l9 5 9-5" />,
  stacks: <path d="M4 5h16v5H4zM4 14h16v5H4zM8 7.5h.01M8 16.5h.01" />,
  tasks: <path d="M10 6h10M10 12h10M10 18h10M4 6l1 1 2-2M4 12l1 1 2-2M4 18l1 1 2-2" />,
  events: <path d="M3 12h4l3-8 4 16 3-8h4" />,
  search: (
    <>
      <circle cx="11" cy="11" r="7" />
      <path d="m20 20-4-4" />
    </>
  ),
  sun: (
    <>
      <circle cx="12" cy="12" r="4" />
      <path d="M12 2v2M12 20v2M4 12H2M22 12h-2M5 5l1.5 1.5M17.5 17.5 19 19M19 5l-1.5 1.5M6.5 17.5 5 19" />
    </>
  ),
  moon: <path d="M20 14A8 8 0 1 1 10 4a6.5 6.5 0 0 0 10 10z" />,
  auto: (
    <>
      <circle cx="12" cy="12" r="8" />
      <path d="M12 4v16a8 8 0 0 0 0-16z" fill="currentColor" />
    </>
  ),
  user: (
    <>
      <circle cx="12" cy="8" r="4" />
      <path d="M4 21c0-4 3.5-7 8-7s8 3 8 7" />
    </>
  ),
  warn: <path d="M12 4 2.5 20h19zM12 10v4M12 17.2v.01" />,
  play: <path d="M7 4.5v15l12-7.5z" />,
  stop: <rect x="6" y="6" width="12" height="12" rx="1.5" />,
  restart: <path d="M20 12a8 8 0 1 1-2.5-5.8M20 3v5h-5" />,
  reload: <path d="M4 12a8 8 0 0 1 13.5-5.8L20 8.5M20 3.5v5h-5M20 12a8 8 0 0 1-13.5 5.8L4 15.5M4 20.5v-5h5" />,
  trash: <path d="M4 7h16M10 11v6M14 11v6M6 7l1 13h10l1-13M9 7V4h6v3" />,
  chevron: <path d="m9 6 6 6-6 6" />,
  down: <path d="m6 9 6 6 6-6" />,
  up: <path d="m6 15 6-6 6 6" />,
  close: <path d="M6 6l12 12M18 6 6 18" />,
  check: <path d="m5 12 5 5L20 7" />,
  copy: <path d="M9 9h11v11H9zM15 9V4H4v11h5" />,
  plus: <path d="M12 5v14M5 12h14" />,
  key: (
    <>
      <circle cx="8" cy="15" r="4" />
      <path d="m11 12 9-9M16 7l3 3" />
    </>
  ),
  out: <path d="M14 4H5v16h9M10 12h11M17 8l4 4-4 4" />,
  keyboard: <path d="M3 6h18v12H3zM7 10h.01M11 10h.01M15 10h.01M18 10h.01M8 14h8" />,
  info: (
    <>
      <circle cx="12" cy="12" r="9" />
      <path d="M12 11v6M12 7.5v.01" />
    </>
  ),
  pause: <path d="M8 5v14M16 5v14" />,
  drain: <path d="M12 3v12M7 10l5 5 5-5M4 20h16" />,
  cordon: (
    <>
      <circle cx="12" cy="12" r="8.5" />
      <path d="m6 6 12 12" />
    </>
  ),
  logs: <path d="M5 4h14v16H5zM9 9h6M9 13h6M9 17h3" />,
  wrap: <path d="M4 6h16M4 12h13a3 3 0 0 1 0 6h-4M15 15l-3 3 3 3M4 18h4" />,
  time: (
    <>
      <circle cx="12" cy="12" r="8.5" />
      <path d="M12 7v5l3 2" />
    </>
  ),
  rollback: <path d="M9 14 4 9l5-5M4 9h10a6 6 0 0 1 0 12h-3" />,
  more: <path d="M5 12h.01M12 12h.01M19 12h.01" stroke-width="3.2" />,
};

export type IconName = keyof typeof shapes;

export function Icon({ name, size = 16 }: { name: string; size?: number }) {
  return (
    <svg class="icon" viewBox="0 0 24 24" width={size} height={size} aria-hidden="true" focusable="false">
      {shapes[name]}
    </svg>
  );
}

/** The hub: a green hexagon. Agents are blue boxes with a mast; the two are told apart at a glance. */
export function HubIcon({ size = 16 }: { size?: number }) {
  return (
    <svg class="icon hub-icon" viewBox="0 0 24 24" width={size} height={size} aria-hidden="true" focusable="false">
      <path d="M12 2.5 20.5 7.2v9.6L12 21.5 3.5 16.8V7.2z" />
      <circle cx="12" cy="12" r="3.2" fill="currentColor" stroke="none" />
    </svg>
  );
}

export function AgentIcon({ size = 16 }: { size?: number }) {
  return (
    <svg class="icon agent-icon" viewBox="0 0 24 24" width={size} height={size} aria-hidden="true" focusable="false">
      <rect x="3.5" y="9" width="17" height="11.5" rx="2.5" />
      <path d="M12 9V4M9 4h6" />
      <path d="M8.5 14.7h.01M15.5 14.7h.01" stroke-width="3" />
    </svg>
  );
}

export function Logo({ size = 22 }: { size?: number }) {
  return (
    <svg class="logo" viewBox="0 0 32 32" width={size} height={size} aria-hidden="true" focusable="false">
      <rect width="32" height="32" rx="8" />
      <path d="M16 6 26 16 16 26 6 16Z" />
      <circle cx="16" cy="16" r="3.4" />
    </svg>
  );
}
