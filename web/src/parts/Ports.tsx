/** "http 8080" for each named port. */
export function Ports({ ports }: { ports: Record<string, number> }) {
  const names = Object.keys(ports);
  if (!names.length) return <span class="muted">–</span>;
  return (
    <span class="ports" title={names.map((name) => `${name} ${ports[name]}`).join(', ')}>
      {names.map((name) => (
        <span key={name} class="port">
          <span class="muted">{name}</span> {ports[name]}
        </span>
      ))}
    </span>
  );
}
