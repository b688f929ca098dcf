/** Many names as one paragraph that breaks between them, never inside one. */
export function Names({ names, boxed = false, most = 300 }: { names: readonly string[]; boxed?: boolean; most?: number }) {
  if (!names.length) return null;
  return (
    <>
      <p class={`names ${boxed ? 'boxed' : ''}`}>
        {names.slice(0, most).map((name) => (
          <span key={name}>{name}</span>
        ))}
      </p>
      {names.length > most ? <p class="muted">and {names.length - most} more</p> : null}
    </>
  );
}
