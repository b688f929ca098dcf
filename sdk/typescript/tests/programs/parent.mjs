// An application: starts its backend, says its status, and stays until it is killed; with "end" it ends by itself.
import { join } from "node:path";
import { pathToFileURL } from "node:url";

const { BackendManager } = await import(pathToFileURL(join(process.env.SDK_DIST, "esm/index.js")).href);
const manager = new BackendManager(JSON.parse(process.argv[2]));
await manager.start();
console.log(JSON.stringify(manager.getStatus()));
if (process.argv[3] === "end") await manager.close();
else setInterval(() => undefined, 1000);
