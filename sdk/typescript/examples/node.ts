// A backend without Electron, and what else runs on this machine.
//   node node.ts            (Node 22.18 or newer runs TypeScript as it is)
import { homedir } from "node:os";

import { BackendManager, DroverClient } from "@drover/sdk";

const backend = new BackendManager({
  name: "files",
  port: 8000,
  healthCheckUrl: "http://127.0.0.1:8000/",
  development: { command: ["python3", "-m", "http.server", "8000", "--bind", "127.0.0.1"], cwd: homedir() },
});
backend.onStatusChangeListener(({ status, restartCount, lastError }) =>
  console.log(status, restartCount, lastError ?? ""),
);
backend.onLogListener((stream, data) => process[stream].write(data));

await backend.start();
console.log(`looked after by: ${backend.runner}`, backend.getStatus());

try {
  const hub = new DroverClient({ socket: `${homedir()}/.local/state/drover/hub.sock` });
  for await (const one of hub.list("/instances")) console.log(one.stack, one.name, one.state);
} catch (error) {
  console.log("no `drover up` here:", String(error));
}

process.once("SIGINT", () => void backend.close());
