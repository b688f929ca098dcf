import { useLocation } from 'preact-iso';
import { summary } from '../live/live';
import { AgentIcon, Icon } from '../parts/icons';
import { count } from '../text/format';
import { places, type Place } from './places';

/** The places, at the left; at the bottom on a phone. */
export function Nav() {
  const { path } = useLocation();
  return (
    <nav class="nav" aria-label="Main">
      {places.map((place) => (
        <a key={place.path} href={place.path} aria-current={is_here(place, path) ? 'page' : undefined} title={`${place.title} (g ${place.key})`}>
          {place.icon === 'agent' ? <AgentIcon size={18} /> : <Icon name={place.icon} size={18} />}
          <span class="nav-title">{place.title}</span>
          <Figure place={place} />
        </a>
      ))}
    </nav>
  );
}

function is_here(place: Place, path: string): boolean {
  if (place.path === '/') return path === '/';
  return path.startsWith(place.path) || (place.path === '/services' && path.startsWith('/instances'));
}

function Figure({ place }: { place: Place }) {
  const s = summary.value;
  if (!s) return null;
  const figures: Record<string, [number, number]> = {
    '/nodes': [s.nodes_online, s.nodes],
    '/services': [s.services - s.services_failing, s.services],
    '/tasks': [s.tasks_open, s.tasks_open],
  };
  const [well, all] = figures[place.path] ?? [0, 0];
  if (!all) return null;
  return <span class={`nav-figure ${well < all ? 'bad' : ''}`}>{well < all ? `${count(well)}/${count(all)}` : count(all)}</span>;
}
