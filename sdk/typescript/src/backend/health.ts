import http from "node:http";
import https from "node:https";

/** One look: undefined when it is well, else what was seen. */
export function lookAtHealth(url: string, timeoutMs: number): Promise<string | undefined> {
  return new Promise((done) => {
    const get = url.startsWith("https:") ? https.get : http.get;
    const request = get(url, { agent: false, timeout: timeoutMs }, (answer) => {
      const status = answer.statusCode ?? 0;
      answer.destroy();
      done(status >= 200 && status < 400 ? undefined : `GET ${url} → ${status}`);
    });
    const late = setTimeout(() => request.destroy(new Error(`no answer within ${timeoutMs}ms`)), timeoutMs);
    request.on("close", () => clearTimeout(late));
    request.on("error", (error) => done(`GET ${url} → ${error.message}`));
  });
}
