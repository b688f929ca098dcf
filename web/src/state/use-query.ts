import { useLocation } from 'preact-iso';
import { with_query } from './url';

/** One key of the page's query, and how to change it. Changing replaces the history entry. */
export function use_query(): [Record<string, string>, (changes: Record<string, string | undefined>) => void] {
  const location = useLocation();
  const change = (changes: Record<string, string | undefined>) => {
    const query = Object.fromEntries(new URLSearchParams(window.location.search));
    location.route(with_query(location.path, query, changes), true);
  };
  return [location.query, change];
}
