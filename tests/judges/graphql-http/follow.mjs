// Follows a subscription with the npm graphql-ws client: node follow.mjs URL SUBSCRIPTION COUNT [TOKEN].
// Prints each event as a line of JSON and exits 0 after COUNT of them; exits 1 on an error.
import { createClient } from "graphql-ws";
import WebSocket from "ws";

const [url, subscription, count, token] = process.argv.slice(2);
const client = createClient({
  url: url.replace(/^http/, "ws"),
  webSocketImpl: WebSocket,
  retryAttempts: 0,
  connectionParams: token ? { Authorization: `Bearer ${token}` } : undefined,
});
let seen = 0;
for await (const event of client.iterate({ query: subscription })) {
  console.log(JSON.stringify(event));
  seen += 1;
  if (event.errors || seen === Number(count)) break;
}
await client.dispose();
process.exit(seen === Number(count) ? 0 : 1);
