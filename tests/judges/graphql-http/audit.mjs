// Runs every audit of npm graphql-http against a URL: node audit.mjs URL [TOKEN]. Prints one line each; exits 1 if any is not ok.
import { auditServer } from "graphql-http";

const [url, token] = process.argv.slice(2);
const fetchFn = (target, init = {}) => {
  const headers = new Headers(init.headers);
  if (token) headers.set("authorization", `Bearer ${token}`);
  return fetch(target, { ...init, headers });
};
const results = await auditServer({ url, fetchFn });
const failed = results.filter((result) => result.status !== "ok");
for (const result of results) {
  console.log(`${result.status} ${result.id} ${result.name}${result.reason ? ` - ${result.reason}` : ""}`);
}
console.log(`${results.length - failed.length} of ${results.length} audits ok`);
process.exit(failed.length === 0 && results.length === 61 ? 0 : 1);
