// The stack that the tests watch: real programs, a job, one that crashes, one that stops slowly.
export const shop = `
name: shop
services:
  migrate:
    kind: job
    command: ["sh", "-c", "echo migrating; sleep 0.3; echo done"]
  web:
    command: ["python3", "-u", "-m", "http.server", "{{port.http}}", "--bind", "127.0.0.1"]
    ports: [{ name: http, published: auto }]
    scale: 3
    depends_on: { migrate: { condition: completed } }
    probes: { ready: { http: "http://127.0.0.1:{{port.http}}/", interval: 200ms } }
    stop: { grace: 2s }
  ticker:
    command: ["bash", "${'$'}{TICKER}"]
    depends_on: { web: { condition: ready } }
  slow:
    command: ["bash", "-c", "trap 'sleep 2; exit 0' TERM; while true; do sleep 0.1; done"]
    stop: { grace: 6s }
`;

export const crasher = `
name: broken
services:
  crasher:
    command: ["sh", "-c", "echo about to fail; sleep 0.2; exit 3"]
    restart: { policy: always, backoff: 5s..60s }
`;

/** Prints a line ten times a second, with colours, some on stderr, some that look like markup. */
export const ticker_script = `
n=0
while true; do
  n=$((n+1))
  printf '\\033[32mINFO\\033[0m tick n=%d\\n' $n
  if [ $((n % 7)) = 0 ]; then printf '\\033[1;31mERROR\\033[0m trouble n=%d\\n' $n >&2; fi
  if [ $((n % 10)) = 0 ]; then echo '<script>window.hacked=1</script>'; fi
  sleep 0.1
done
`;
