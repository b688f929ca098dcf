import { PageHead } from '../parts/PageHead';

export function NotFound() {
  return (
    <div class="page">
      <PageHead title="Not here" name="Not here" />
      <p class="lead">There is no such page.</p>
      <p><a href="/">To the overview</a></p>
    </div>
  );
}
